"""Mutated answers through whole forks, over real HTTP: a trial each, and none of them hangs or ends the fork."""

import pickle
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from refork.records import Run
from refork.records.outcome import ErrorKind, ForkStatus, Outcome
from support import plots
from support.forks import RUNS_FILE, case_of, fresh_session, limits, measure, record_runs, surroundings_of
from support.fuzz.answers import CHAT, mutated
from support.model_server import ModelServer, Raw, Received
from support.prepared import prepared_python

TRIALS = {"step": 3_000, "tail": 300}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    folder = tmp_path_factory.mktemp("fuzzed")
    with prepared_python() as prepared, pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings_of(folder).items():
            patch.setenv(name, value)
        record_runs(prepared, folder)
        found: dict[str, Run] = pickle.loads((folder / RUNS_FILE).read_bytes())
        plots.as_recorded()
        yield found["one_call"]


def odd(request: Received) -> Raw:
    """A good answer first: a variant of which one trial was measured is never given up."""
    if request.number == 0:
        return Raw(
            body=b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "yes"}}]}'
        )
    status, kind, body = mutated(CHAT, request.number)
    return Raw(status=200 if status < 200 or status in (204, 401, 402) else status, kind=kind, body=body)


@pytest.mark.parametrize("scope", TRIALS)
def test_every_trial_ends_and_the_fork_with_them(
    scope: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    began = time.monotonic()
    with ModelServer(odd) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with fresh_session(tail_timeout=60) as session, limits(session, attempts=1):
            outcome = measure(session, case_of(run, scope=scope), TRIALS[scope], seconds=280)
    _tell(scope, outcome, time.monotonic() - began)
    assert outcome.status is ForkStatus.MEASURED, outcome.reason
    assert len(outcome.trials) == TRIALS[scope]
    broken = [
        trial.error for trial in outcome.trials if trial.error and trial.error.kind is ErrorKind.INTERNAL
    ]
    assert not broken, broken[:5]


def _tell(scope: str, outcome: Outcome, seconds: float) -> None:
    ends = Counter(str(trial.error.kind) if trial.error else "answer" for trial in outcome.trials)
    print(f"\n{len(outcome.trials):,} trials in {scope} scope in {seconds:.0f} s: {dict(ends.most_common())}")
