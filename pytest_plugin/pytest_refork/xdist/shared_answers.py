"""The cached answers of a session and its workers: one session, a journal for each process."""

import json
from typing import Any, Final

import pytest
from refork.config import Config
from refork_evals.evaluation.durable_answers import DurableAnswers

from pytest_refork.xdist.worker_results import worker_id

INPUT: Final = "refork_answers"
"""Where a worker finds the name of the session, and the journals that were taken up."""


def open_answers(config: pytest.Config, project: Config) -> DurableAnswers:
    """The answers of this process. A worker's belong to the session that the controller names."""
    given: dict[str, Any] = json.loads(getattr(config, "workerinput", {}).get(INPUT, "{}"))
    return DurableAnswers(
        project, worker=worker_id(config), session=given.get("session"), journals=given.get("journals", ())
    )


def for_workers(answers: DurableAnswers) -> dict[str, str]:
    """Return the part of a worker's input that describes the shared answers."""
    return {INPUT: json.dumps({"session": answers.session, "journals": answers.journals})}
