"""A session in a process of its own, which can be killed. It prints a line for every trial that it was told.

A plan has ``plot``, ``variants`` (name and template, null for ``current``, and step outputs that it changes),
``trials``, and options of the session.
"""

import json
import os
import pickle
from pathlib import Path
from typing import Any

from refork.records.outcome import Trial
from refork.records.variant import Variant

from support import plots
from support.forks import case_of, fresh_session


def tell(trial: Trial) -> None:
    said = {
        "variant": trial.variant,
        "number": trial.number,
        "text": trial.answer.text if trial.answer else None,
        "error": trial.error.message if trial.error else None,
        "resumed": trial.resumed,
    }
    # One write, so that a kill leaves no half of a line.
    os.write(1, (json.dumps(said) + "\n").encode())


def run_plan(runs: str, plan: dict[str, Any]) -> None:
    """Carry out ``plan`` on one of the recorded runs that the file ``runs`` holds."""
    run = pickle.loads(Path(runs).read_bytes())[plan["plot"]]
    plots.as_recorded()
    with fresh_session(**plan.get("options", {})) as session:
        fork = session.fork(case_of(run), on_trial=tell)
        for name, template, *changes in plan["variants"]:
            outputs = {int(number): value for each in changes for number, value in each.items()}
            fork.run(Variant(name=name, template=template, step_outputs=outputs), plan["trials"])
        fork.close()
        fork.wait(60)
        reason = fork.outcome().reason
    os.write(1, (json.dumps({"reason": reason}) + "\n").encode())
