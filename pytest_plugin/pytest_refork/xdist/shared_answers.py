"""Shares the cached answers of a session with its workers: one session, with a journal for each process."""

import json
from typing import Any, Final

import pytest
from refork.config import Config
from refork_evals.evaluation.kept_answers.durable_answers import DurableAnswers

from pytest_refork.xdist.worker_results import worker_id

INPUT: Final = "refork_answers"
"""The key of a worker's input with the name of the session, and the recovered journals."""


def open_answers(config: pytest.Config, project: Config) -> DurableAnswers:
    """Open the answers of this process. Those of a worker belong to the session that the controller names."""
    given: dict[str, Any] = json.loads(getattr(config, "workerinput", {}).get(INPUT, "{}"))
    return DurableAnswers(
        project, worker=worker_id(config), session=given.get("session"), journals=given.get("journals", ())
    )


def for_workers(answers: DurableAnswers) -> dict[str, str]:
    """Return the part of a worker's input that describes the shared answers."""
    return {INPUT: json.dumps({"session": answers.session, "journals": answers.journals})}
