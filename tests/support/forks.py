"""Sessions that fork the recorded runs of ``apps/helpdesk.py``, and what is asked of them again and again."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from refork.fork import CaseFork, ForkSession, open_session
from refork.fork.attempts.retry_policy import Retries
from refork.fork.trials.concurrency_limit import ConcurrencyLimit
from refork.fork.trials.trial_step import Limits
from refork.records import Case, Run
from refork.records.outcome import Outcome, Trial
from refork.records.variant import Variant, current

from support.prepared import TESTS, Prepared

RUNS_FILE: Final = "runs.pickle"
HELPDESK: Final = "support.apps.helpdesk"
CAREFUL: Final = Variant(name="careful", template="Careful! {{ baseline }}")


def record_runs(prepared: Prepared, folder: Path) -> None:
    """Write every plot as a run that a plain DBOS recorded, in a process of its own, into ``RUNS_FILE``."""
    out = folder / RUNS_FILE
    arguments = str(folder / "production.sqlite"), str(out)
    prepared.start(
        "support.plots:record_into", *arguments, folder=folder, env=surroundings_of(folder)
    ).finish()


def surroundings_of(folder: Path) -> dict[str, str]:
    """The environment of an application that writes everything into ``folder``."""
    return {
        "HELPDESK_LEDGER": str(folder / "ledger"),
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "OPENAI_API_KEY": "test-key",
        "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


@contextmanager
def fresh_session(**options: Any) -> Generator[ForkSession]:
    """A session of the helpdesk. ``XDG_CACHE_HOME`` says where its database lies."""
    with open_session(root=TESTS, modules=(HELPDESK,), **options) as session:
        yield session


def case_of(
    run: Run,
    step: int | None = None,
    *,
    agent: str | None = None,
    name: str = "case",
    scope: str = "step",
    folder: Path = TESTS,
    tools: Mapping[str, str] | None = None,
) -> Case:
    """A case of ``run``; without ``step`` at its last model step."""
    if step is None:
        step = max(each.number for each in run.steps if each.kind == "model")
    return Case(name=name, folder=folder, run=run, step=step, agent=agent, scope=scope, tools=tools or {})


def plan(fork: CaseFork, trials: Mapping[str, int] | int, *variants: Variant) -> list[Any]:
    """Plan so many trials of ``current`` and of each of ``variants``. Gives their futures."""
    futures: list[Any] = []
    for variant in (current(), *variants):
        number = trials if isinstance(trials, int) else trials.get(variant.name, 0)
        futures += fork.run(variant, number) if number else []
    return futures


def measure(
    session: ForkSession,
    case: Case,
    trials: Mapping[str, int] | int = 1,
    *variants: Variant,
    seconds: float = 20,
) -> Outcome:
    """Fork a case, run its trials, and give the outcome."""
    fork = session.fork(case)
    plan(fork, trials, *variants)
    fork.close()
    assert fork.wait(seconds), "the fork did not end"
    return fork.outcome()


def text_of(trial: Trial) -> str:
    assert trial.answer is not None, trial.error
    return trial.answer.text


@contextmanager
def limits(
    session: ForkSession, *, attempts: int = 3, trial_seconds: float = 20.0, concurrency: int | None = None
) -> Generator[None]:
    """Make the waits between the attempts of a call short while it lasts."""
    host = session._host
    before = host.limits
    host.limits = Limits(
        slots=before.slots if concurrency is None else ConcurrencyLimit(concurrency),
        retries=Retries(attempts=attempts, first_wait=0.01),
        trial_seconds=trial_seconds,
        replay_seconds=before.replay_seconds,
    )
    try:
        yield
    finally:
        host.limits = before
