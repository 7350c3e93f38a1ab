"""Variants that change what went before have forks of their own, and what goes wrong there is theirs alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from refork.answer_cache import AnswersMode
from refork.fork import ForkSession
from refork.records import Case, Run
from refork.records.outcome import ForkStatus
from refork.records.variant import Variant
from support import plots
from support.apps import helpdesk as desk
from support.forks import CAREFUL, case_of, measure
from support.model_server import ModelServer

EMPTY = Variant(name="empty", tool_results={2: "nothing was found"})
EMPTY_CAREFUL = Variant(
    name="empty-careful", template=CAREFUL.template, tool_results={2: "nothing was found"}
)
OTHER = Variant(name="other", tool_results={2: "found twice"})


@pytest.fixture
def case(runs: dict[str, Run]) -> Case:
    """At the model call after a tool, which is step 2."""
    case = case_of(runs["a_tool_before"], agent="Clerk")
    assert case.step == 3
    return case


def told(server: ModelServer) -> list[str]:
    """What the model was told that the tool had said, request by request."""
    return [json.dumps(body) for body in server.bodies]


def test_the_model_is_told_the_changed_result_under_the_prompts_of_the_variants(
    session: ForkSession, case: Case, server: ModelServer, ledger: Path
) -> None:
    outcome = measure(session, case, 2, CAREFUL, EMPTY, EMPTY_CAREFUL, OTHER)
    assert (outcome.status, outcome.reason, outcome.unmeasured) == (ForkStatus.MEASURED, "", {})
    assert [trial.error for trial in outcome.trials] == [None] * 10
    assert sum("nothing was found" in each for each in told(server)) == 4
    assert sum("found twice" in each for each in told(server)) == 2
    assert sum("nothing was found" in each and "Careful!" in each for each in told(server)) == 2
    assert not ledger.exists()


def test_variants_with_the_same_changes_share_a_fork(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    fork = session.fork(case)
    for variant in (EMPTY, EMPTY_CAREFUL, OTHER):
        fork.run(variant, 1)
    fork.close()
    assert fork.wait(20)
    assert len(fork._branches) == 3  # that of current, which replays meanwhile, and two more


@pytest.mark.slow
def test_a_variant_with_which_the_code_takes_another_way_is_stale_alone(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    async def body(name: str) -> Any:
        if await desk.note_async("before") == "go elsewhere":
            return desk.note("elsewhere")
        return await plots.ask(desk.clerk, name)

    desk.plots["a_long_run"] = body
    elsewhere = Variant(name="elsewhere", step_outputs={1: "go elsewhere"})
    for scope in ("step", "tail"):
        outcome = measure(session, case_of(runs["a_long_run"], 2, scope=scope), 1, elsewhere)
        assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
        assert [trial.variant for trial in outcome.trials] == ["current"]
        found = outcome.unmeasured["elsewhere"]
        assert found.status is ForkStatus.STALE
        assert (
            "step 2 was '_model_call_step' when the run was recorded, the code reached 'note' there"
            in found.reason
        )
        assert outcome.of("current").status is ForkStatus.MEASURED
    assert not ledger.exists()


def test_an_output_that_cannot_be_made_is_an_error_of_its_variant_alone(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    wrong = Variant(name="wrong", tool_results={2: {"$type": "no.Such", "value": 1}})
    outcome = measure(session, case, 1, wrong)
    assert outcome.status is ForkStatus.MEASURED
    assert outcome.of("wrong").status is ForkStatus.ERROR
    assert "output of step 2 cannot be made of what the variant says" in outcome.of("wrong").reason
    assert "'no.Such' is not registered" in outcome.of("wrong").reason


def test_answers_of_the_recorded_run_are_not_reused_for_a_changed_one(
    session: ForkSession, case: Case, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.answers, "mode", AnswersMode.REUSE)
    kept = case_of(case.run, agent="Clerk", folder=tmp_path)
    outcome = measure(session, kept, 1, EMPTY)
    digests = {trial.variant: trial.cached_as.digest for trial in outcome.trials if trial.cached_as}
    assert len(set(digests.values())) == 2
    assert server.count == 2
