"""What the tests of forks share: real runs of ``apps/helpdesk.py``, and sessions that fork them."""

import importlib
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID
from refork.case import Case, Run
from refork.engine.reading import Reader
from refork.fork import CaseFork, ForkSession, open_session
from refork.outcome import Outcome, Trial
from refork.retries import Retries
from refork.trials import Limits
from refork.variant import Variant, current

from support.model_server import Call, ModelServer, Received, Reply

APPS = Path(__file__).parent / "apps"
HELPDESK = "helpdesk"


@contextmanager
def production(database: Path) -> Generator[None]:
    """A plain DBOS, launched on a SQLite file, as production would have it."""
    DBOS(
        config={
            "name": "helpdesk",
            "system_database_url": f"sqlite:///{database}",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 0.02,
            "log_level": "CRITICAL",
        }
    )
    try:
        DBOS.launch()
        yield
    finally:
        DBOS.destroy()


@dataclass
class Recorder:
    """Records real runs, all in one launch of DBOS."""

    database: Path
    ids: list[str] = field(default_factory=list[str])

    def run(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a workflow to its end under the id ``name``, on DBOS's own loop."""
        self.ids.append(name)
        with SetWorkflowID(name):
            handle = DBOS.start_workflow(function, *args, **kwargs)
        try:
            return handle.get_result()
        except Exception as error:
            return error

    def runs(self) -> dict[str, Run]:
        with Reader(f"sqlite:///{self.database}") as reader:
            fetched = {name: reader.fetch(name) for name in self.ids}
        return {name: run.decode().run for name, run in fetched.items()}


def helpdesk() -> Any:
    """The application. Imported late: it looks at the environment, and DBOS must be ours by then."""
    if str(APPS) not in sys.path:
        sys.path.insert(0, str(APPS))
    return importlib.import_module(HELPDESK)


def case_of(run: Run, step: int | None = None, *, agent: str | None = None, name: str = "case") -> Case:
    """A case of ``run``; without ``step`` at its last model step."""
    if step is None:
        step = max(each.number for each in run.steps if each.kind == "model")
    return Case(name=name, folder=APPS, run=run, step=step, agent=agent)


def measure(
    session: ForkSession,
    case: Case,
    trials: Mapping[str, int] | int = 1,
    *variants: Variant,
    seconds: float = 20,
) -> Outcome:
    """Fork a case, run so many trials of ``current`` and each of ``variants``, and give the outcome."""
    fork = session.fork(case)
    plan(fork, trials, *variants)
    fork.close()
    assert fork.wait(seconds), "the fork did not end"
    return fork.outcome()


def plan(fork: CaseFork, trials: Mapping[str, int] | int, *variants: Variant) -> list[Any]:
    futures: list[Any] = []
    for variant in (current(), *variants):
        number = trials if isinstance(trials, int) else trials.get(variant.name, 0)
        futures += fork.run(variant, number) if number else []
    return futures


def texts(outcome: Outcome) -> list[str]:
    return [text_of(trial) for trial in outcome.trials]


def text_of(trial: Trial) -> str:
    assert trial.answer is not None, trial.error
    return trial.answer.text


def quick_retries(session: ForkSession, *, attempts: int = 3, trial_seconds: float = 20.0) -> None:
    """Make the waits between the attempts of a call short."""
    session._limits = Limits(
        slots=session._limits.slots,
        retries=Retries(attempts=attempts, first_wait=0.01),
        trial_seconds=trial_seconds,
    )


@contextmanager
def fresh_session(**options: Any) -> Generator[ForkSession]:
    """A session of the helpdesk. ``XDG_CACHE_HOME`` says where its database lies."""
    with open_session(**{"root": APPS, "modules": (HELPDESK,), **options}) as session:
        yield session


__all__ = [
    "APPS",
    "Call",
    "ModelServer",
    "Received",
    "Recorder",
    "Reply",
    "case_of",
    "fresh_session",
    "helpdesk",
    "measure",
    "plan",
    "production",
    "quick_retries",
    "text_of",
    "texts",
]
