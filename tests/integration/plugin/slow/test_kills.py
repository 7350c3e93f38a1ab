"""Killed at random moments: no answer is lost or credited wrongly, and only calls in flight are paid twice."""

import hashlib
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.model_server import ModelServer, Received, Reply
from support.project import Finished, Project, case_yaml, finished

CASES, TRIALS, VARIANTS, CONCURRENCY = 4, 17, 3, 4
ALL = CASES * TRIALS * VARIANTS
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
SEED = 20_26
SHARE = float(os.environ.get("REFORK_TEST_KILLS", "1"))
"""Of the kills, for a quick look: 0.1 makes a tenth of them."""


def _who(request: Received) -> str:
    """Names the prompt that asked, so that an answer says whose it is."""
    return hashlib.sha256(str(request.instructions).encode()).hexdigest()[:12]


def _answer(request: Received) -> Reply:
    return Reply(text=f"Revenue fell, says {_who(request)}.")


@dataclass
class Account:
    """What all kills came to."""

    kills: int = 0
    suites: int = 0
    paid: int = 0
    in_flight: int = 0
    lost: int = 0
    wrong: int = 0
    signals: Counter[str] = field(default_factory=Counter[str])

    @property
    def paid_twice(self) -> int:
        return self.paid - self.suites * ALL

    def __str__(self) -> str:
        return (
            f"{self.kills} kills {dict(self.signals)} of {self.suites} suites of {ALL} trials: "
            f"{self.paid} calls, {self.paid_twice} paid twice ({self.in_flight} were in flight at the kills), "
            f"{self.lost} answers lost, {self.wrong} credited wrongly"
        )


def _suite(project: Project) -> Project:
    source = project.files["evals/cases/rosy/run.json"]
    case = case_yaml(rest=f"trials: {TRIALS}")
    cases = {f"evals/cases/rosy-{number}/case.yaml": case for number in range(CASES)}
    runs = {f"evals/cases/rosy-{number}/run.json": source for number in range(CASES)}
    return project.without("evals/cases/rosy").with_files({**cases, **runs})


def _check(done: Finished, account: Account) -> None:
    """Every trial of every variant has an answer, and each stands under the prompt that it was given to."""
    for case in sorted((done.folder / "evals/cases").glob("rosy-*")):
        lines = [json.loads(line) for line in (case / "answers.jsonl").read_text().splitlines()]
        keys = {(line["digest"], line["trial"]) for line in lines}
        if lost := TRIALS * VARIANTS - len(keys):
            account.lost += lost
            print(f"\n{lost} answers lost in {case.name}: {done.output}")
        told: dict[str, set[str]] = {}
        for line in lines:
            told.setdefault(line["digest"], set()).add(line["answer"]["text"])
        account.wrong += sum(len(texts) - 1 for texts in told.values())


def _killed_until_done(
    project: Project, folder: Path, server: ModelServer, account: Account, kills: int
) -> None:
    """One suite, killed at random moments until a session comes to its end."""
    random_ = random.Random(SEED + account.suites)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = len(server.requests)
    while True:
        begun = len(server.requests)
        process = project.start(folder, "--agent-evals", f"--agent-evals-concurrency={CONCURRENCY}", "-q")
        wanted = begun + random_.randint(1, ALL // 3)
        if account.kills < kills:
            while len(server.requests) < wanted and process.poll() is None:
                time.sleep(0.01)
            time.sleep(random_.random() * 0.1)
        if account.kills < kills and process.poll() is None:
            how = random_.choice(SIGNALS)
            account.in_flight += server.in_flight if how is signal.SIGKILL else 0
            os.kill(process.pid, how)
            account.kills += 1
            account.signals[how.name] += 1
            finished(process, folder)
            continue
        done = finished(process, folder)
        assert "INTERNALERROR" not in done.output, done.output
        break
    account.suites += 1
    account.paid += len(server.requests) - before
    _check(done, account)


def _all_kills(project: Project, folder: Path, kills: int) -> Account:
    account = Account()
    with ModelServer(_answer, latency=0.1) as server:
        suite = _suite(project).with_environment(OPENAI_BASE_URL=server.url)
        while account.kills < kills:
            _killed_until_done(suite, folder, server, account, kills)
    print(f"\n{account}")
    return account


@pytest.mark.timeout(3600)
def test_a_hundred_kills_on_sqlite(project: Project, tmp_path: Path) -> None:
    account = _all_kills(project, tmp_path / "project", round(100 * SHARE))
    assert (account.lost, account.wrong) == (0, 0), account
    assert 0 <= account.paid_twice <= account.kills * CONCURRENCY, account


@pytest.mark.timeout(3600)
def test_fifty_kills_on_postgres(project: Project, tmp_path: Path, postgres_url: str) -> None:
    on_postgres = project.with_environment(REFORK_DB=postgres_url)
    account = _all_kills(on_postgres, tmp_path / "project", round(50 * SHARE))
    assert (account.lost, account.wrong) == (0, 0), account
    assert 0 <= account.paid_twice <= account.kills * CONCURRENCY, account
