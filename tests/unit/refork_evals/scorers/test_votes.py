"""Several votes of a judge, the models that gave them, and what stands on the wire. Against the model server."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from refork_evals.results import Judged, Score
from refork_evals.scorers.registry import parse_scorer
from refork_evals.trials import score_trials
from support.evals_builders import case, outcome, score
from support.model_server import Failure, ModelServer, Reply, in_order

YES = json.dumps({"reason": "It says 'fell'.", "pass": True})
NO = json.dumps({"reason": "It says 'rose'.", "pass": False})
PINNED = "judge-2026-01-31"
VOLATILE = {"Content-Length", "Host"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Generator[ModelServer]:
    for name in ("REFORK_JUDGE_MODEL", "REFORK_JUDGE_BASE_URL", "REFORK_JUDGE_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with ModelServer() as running:
        yield running


def judged(server: ModelServer, *answers: str | Reply | Failure, **params: Any) -> Score:
    server.script = in_order(*answers)
    given = {"rubric": "Says that revenue fell.", "model": "judge", "base_url": server.url, **params}
    return score({"judge": {"votes": len(answers), **given}}, "Revenue fell.")


def votes(found: Score) -> Judged:
    assert found.judged is not None
    return found.judged


@pytest.mark.parametrize(
    ("answers", "passed", "share", "reason"),
    [
        pytest.param((YES, NO, YES), True, 2 / 3, "2 pass, 1 fail: It says 'fell'.", id="two-of-three"),
        pytest.param((YES, NO, NO), False, 1 / 3, "1 pass, 2 fail: It says 'rose'.", id="one-of-three"),
        pytest.param((YES,) * 5, True, 1.0, "5 pass, 0 fail: It says 'fell'.", id="all-of-five"),
    ],
)
def test_the_majority_decides_and_the_reason_says_the_split(
    server: ModelServer, answers: tuple[str, ...], passed: bool, share: float, reason: str
) -> None:
    found = judged(server, *answers)
    assert (found.passed, found.value, found.reason) == (passed, share, reason)
    assert (votes(found).votes_pass, votes(found).votes_fail, votes(found).votes_error) == (
        answers.count(YES),
        answers.count(NO),
        0,
    )
    assert server.count == len(answers)


def test_a_vote_that_ended_in_an_error_is_told_and_changes_no_majority(server: ModelServer) -> None:
    found = judged(server, YES, Failure(404, "no such model"), YES)
    assert (found.passed, found.value, votes(found).votes_error) == (True, 1.0, 1)
    assert found.reason.startswith("2 pass, 0 fail, 1 error (NotFoundError: ")
    assert found.reason.endswith("): It says 'fell'.")


def test_a_vote_that_is_no_judgement_is_an_error_among_the_votes(server: ModelServer) -> None:
    found = judged(server, NO, "I would say that it passes.", NO)
    assert found.passed is False
    assert "1 error (NotMeasuredError: the judge's reply is not JSON" in found.reason


def test_where_the_errors_could_have_turned_it_nothing_is_said(server: ModelServer) -> None:
    found = judged(server, YES, Failure(404), Failure(404))
    assert found.passed is None
    assert (found.error or "").startswith("1 pass, 0 fail, 2 errors (NotFoundError: ")
    assert (found.error or "").endswith("no majority of 3")


def test_where_no_vote_answers_it_is_the_first_error(server: ModelServer) -> None:
    server.script = in_order(*[Failure(404, "no such model")] * 3)
    found = score({"judge": {"rubric": "x", "model": "m", "base_url": server.url, "votes": 3}}, "x")
    assert found.passed is None
    assert (found.error or "").startswith("NotFoundError: ")


def test_votes_are_asked_side_by_side_in_the_same_words(server: ModelServer) -> None:
    server.latency = 0.2
    judged(server, YES, YES, YES)
    assert server.most_in_flight == 3
    assert server.bodies[0] == server.bodies[1] == server.bodies[2]


def test_one_vote_has_no_share_and_says_no_split(server: ModelServer) -> None:
    found = judged(server, YES)
    assert (found.value, found.reason) == (None, "It says 'fell'.")


@pytest.mark.parametrize("votes", [0, 2, 4, -1, 101, 2.0, "3", True])
def test_only_an_odd_number_of_votes_is_accepted(votes: object) -> None:
    with pytest.raises(ValidationError, match="votes"):
        parse_scorer({"judge": {"rubric": "x", "votes": votes}})


def test_an_even_number_is_refused_with_the_reason(server: ModelServer) -> None:
    with pytest.raises(ValidationError, match="is 2, but must be an odd number, so that a majority decides"):
        parse_scorer({"judge": {"rubric": "x", "votes": 2}})


def test_the_model_that_answered_is_kept_beside_the_one_that_was_asked_for(server: ModelServer) -> None:
    found = judged(server, Reply(text=YES, model=PINNED))
    assert (votes(found).asked, votes(found).answered) == ("judge", (PINNED,))


def test_votes_of_different_models_are_told(server: ModelServer) -> None:
    found = judged(
        server,
        Reply(text=YES, model=PINNED),
        Reply(text=YES, model="judge-2025"),
        Reply(text=YES, model=PINNED),
    )
    assert votes(found).answered == ("judge-2025", PINNED)
    assert found.reason == (
        "3 pass, 0 fail: votes of different models, 'judge-2025' and 'judge-2026-01-31': It says 'fell'."
    )


def test_a_models_name_is_text_like_any_other(server: ModelServer) -> None:
    found = judged(server, Reply(text=YES, model="\x1b[2Jjudge\n" + "x" * 500))
    (answered,) = votes(found).answered
    assert answered.isprintable()
    assert len(answered) <= 160


def test_nothing_on_the_wire_tells_one_variant_from_another(server: ModelServer) -> None:
    server.script = YES
    params = {"rubric": "Says so.", "model": "judge", "base_url": server.url, "votes": 3}
    made = case(name="misleading-summary", description="what the case is about")
    scored = score_trials(made, outcome(current="++", careful="++"), [parse_scorer({"judge": params})])
    assert [each.passed for each in scored] == [True] * 4
    assert server.count == 12
    wires = {
        json.dumps(
            [request.path, {k: v for k, v in request.headers.items() if k not in VOLATILE}, request.body],
            sort_keys=True,
        )
        for request in server.requests
    }
    assert len(wires) == 1, "every trial of every variant is judged in the same words and headers"
    (wire,) = wires
    for hidden in (
        "current",
        "careful",
        "misleading",
        "what the case is about",
        "prompt of",
        "trial",
        "variant",
    ):
        assert hidden not in wire.lower()


def test_who_judged_survives_the_way_from_a_worker_to_the_controller() -> None:
    made = Score(
        scorer="judge",
        passed=True,
        value=2 / 3,
        judged=Judged(asked="judge", answered=(PINNED,), votes_pass=2),
    )
    adapter = TypeAdapter(Score)
    assert adapter.validate_json(adapter.dump_json(made)) == made


def test_who_judged_a_final_result_is_kept(server: ModelServer) -> None:
    server.script = YES
    inside = {"judge": {"rubric": "x", "model": "judge", "base_url": server.url}}
    found = score({"final": inside}, "Revenue fell.")
    assert (found.scorer, found.reason) == ("final", "judge: It says 'fell'.")
    assert votes(found).asked == "judge"
