"""Sessions that fork the recorded runs of ``apps/helpdesk.py``, and what is asked of them again and again."""

import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from refork.case import Case, Run
from refork.fork import CaseFork, ForkSession, open_session
from refork.outcome import Outcome, Trial
from refork.retries import Retries
from refork.trials import Limits
from refork.variant import Variant, current

TESTS: Final = Path(__file__).parent.parent
HELPDESK: Final = "support.apps.helpdesk"
CAREFUL: Final = Variant(name="careful", template="Careful! {{ baseline }}")


def recorded_runs(folder: Path) -> dict[str, Run]:
    """Every plot as a run that a plain DBOS recorded, in a process of its own."""
    out = folder / "runs.pickle"
    run_python(["-m", "support.plots", str(folder / "production.sqlite"), str(out)], folder=folder)
    runs: dict[str, Run] = pickle.loads(out.read_bytes())
    return runs


def run_python(arguments: list[str], *, folder: Path, timeout: float = 60, **environment: str) -> str:
    """Run Python in an environment of its own, and give what it printed. It may not fail."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=TESTS,
        env=os.environ | surroundings_of(folder) | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def surroundings_of(folder: Path) -> dict[str, str]:
    """The environment of an application that writes everything into ``folder``."""
    return {
        "HELPDESK_LEDGER": str(folder / "ledger"),
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "OPENAI_API_KEY": "test-key",
        "PYTHONPATH": str(TESTS),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


@contextmanager
def fresh_session(**options: Any) -> Generator[ForkSession]:
    """A session of the helpdesk. ``XDG_CACHE_HOME`` says where its database lies."""
    with open_session(**{"root": TESTS, "modules": (HELPDESK,), **options}) as session:
        yield session


def case_of(run: Run, step: int | None = None, *, agent: str | None = None, name: str = "case") -> Case:
    """A case of ``run``; without ``step`` at its last model step."""
    if step is None:
        step = max(each.number for each in run.steps if each.kind == "model")
    return Case(name=name, folder=TESTS, run=run, step=step, agent=agent)


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
def limits(session: ForkSession, *, attempts: int = 3, trial_seconds: float = 20.0) -> Generator[None]:
    """Make the waits between the attempts of a call short while it lasts."""
    before = session._limits
    session._limits = Limits(
        slots=before.slots,
        retries=Retries(attempts=attempts, first_wait=0.01),
        trial_seconds=trial_seconds,
    )
    try:
        yield
    finally:
        session._limits = before
