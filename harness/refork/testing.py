"""The conformance tests of a framework: subclass :class:`FrameworkConformance` and give it a sample.

    class TestLangGraph(FrameworkConformance):
        @pytest.fixture(scope="class")
        @classmethod
        def sample(cls): ...

The sample is a recorded run of an application that asks its model twice: the first answer calls a tool, which
is a DBOS step and leaves a trace of having acted, the second is text. ``docs/frameworks.md`` says more.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from refork.answer_cache import AnswersMode, CachedAnswer
from refork.fork import ForkSession
from refork.frameworks.protocol import Framework
from refork.records import Case, Run, StepKind
from refork.records.outcome import ForkStatus, Outcome
from refork.records.variant import Variant, current
from refork.values import DEFAULT

CANDIDATE = Variant(name="candidate", template="Careful! {{ baseline }}")
OTHER_MODEL = Variant(name="other", model="another-model", settings={"temperature": 0.25})
SECONDS = 30.0
_ELSEWHERE = "it is somewhere else"


class ModelServer(Protocol):
    """The model server of the application: a fake that speaks the provider's protocol over HTTP."""

    def bodies(self) -> Sequence[Any]:
        """Return the JSON of every request since ``reset``, including failed ones."""
        ...

    def reset(self) -> None: ...

    def refuse_next(self) -> None:
        """Answer the next request with status 400."""
        ...


@dataclass(frozen=True, kw_only=True)
class ConformanceSample:
    """The sample of a framework. ``run`` comes from :class:`refork.dbos.reader.reader.Reader`; ``acted`` says
    whether the tool ran since then.

    ``sees_tools`` says whether the framework can tell which tools a request offers and which step is a tool's,
    ``changes_model`` whether a variant may name another model and its settings.
    """

    framework: Framework
    run: Run
    session: ForkSession
    server: ModelServer
    agent: str
    tool: str
    acted: Callable[[], bool]
    sees_tools: bool = True
    changes_model: bool = True


class FrameworkConformance:
    """The tests. A subclass has a fixture ``sample`` of a :class:`ConformanceSample`, best of scope ``class``."""

    def test_its_runs_are_recognised_and_described(self, sample: ConformanceSample) -> None:
        run = sample.run
        assert run.framework == sample.framework.name
        first, tool, last = _steps(run)
        assert first.answer is not None
        assert [call.name for call in first.answer.tool_calls] == [sample.tool]
        assert tool.tool == (sample.tool if sample.sees_tools else None)
        assert last.answer is not None
        assert last.answer.text or last.answer.structured
        assert [step.usage is not None for step in (first, tool, last)] == [True, False, True]

    def test_its_checkpoints_are_json_and_come_back(self, sample: ConformanceSample) -> None:
        for step in sample.run.steps:
            written = json.loads(json.dumps(step.output))
            assert DEFAULT.encode(DEFAULT.decode(written)) == written

    def test_a_replay_sees_every_request_and_makes_no_call(self, sample: ConformanceSample) -> None:
        sample.server.reset()
        replay = sample.session.replay(sample.run)
        assert replay.problem is None
        requests = [step.request for step in replay.run.steps if step.kind is StepKind.MODEL]
        assert [request.agent for request in requests if request] == [sample.agent, sample.agent]
        for request in requests:
            assert request is not None
            assert request.prompt
            if sample.sees_tools:
                assert sample.tool in [tool.name for tool in request.tools]
        last = requests[-1]
        assert last is not None
        results = [(call.name, call.output != "") for call in sample.framework.tool_results(last)]
        assert results == ([(sample.tool, True)] if sample.sees_tools else [])
        assert list(sample.server.bodies()) == []
        assert not sample.acted()

    def test_a_replay_stops_at_the_first_step_that_was_not_recorded(self, sample: ConformanceSample) -> None:
        sample.server.reset()
        for missing in range(len(_steps(sample.run))):
            number = _steps(sample.run)[missing].number
            cut = replace(sample.run, steps=tuple(step for step in sample.run.steps if step.number < number))
            assert sample.session.replay(cut).problem is not None
        assert list(sample.server.bodies()) == []
        assert not sample.acted()

    def test_every_trial_is_one_call_and_nothing_after_it_runs(self, sample: ConformanceSample) -> None:
        for step in (_steps(sample.run)[0], _steps(sample.run)[-1]):
            sample.server.reset()
            outcome = _measured(sample, step.number, trials=5)
            assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
            assert [trial.error for trial in outcome.trials] == [None] * 5
            assert len(sample.server.bodies()) == 5
            assert all(trial.usage is not None and trial.answer == step.answer for trial in outcome.trials)
            assert not sample.acted()

    def test_a_variants_prompt_is_sent_at_the_fork_point(self, sample: ConformanceSample) -> None:
        for step in (_steps(sample.run)[0], _steps(sample.run)[-1]):
            sample.server.reset()
            outcome = _measured(sample, step.number, CANDIDATE, trials=1)
            now, tried = outcome.requests["current"], outcome.requests["candidate"]
            assert tried.prompt == f"Careful! {now.prompt}"
            sent = ["Careful!" in json.dumps(body) for body in sample.server.bodies()]
            assert sorted(sent) == [False, True]

    def test_a_variants_model_and_settings_are_sent(self, sample: ConformanceSample) -> None:
        if not sample.changes_model:
            pytest.skip("its variants are prompts alone")
        for step in (_steps(sample.run)[0], _steps(sample.run)[-1]):
            sample.server.reset()
            outcome = _measured(sample, step.number, OTHER_MODEL, trials=1)
            tried = outcome.requests["other"]
            assert (tried.model, tried.settings["temperature"]) == ("another-model", 0.25)
            sent = [body for body in sample.server.bodies() if body["model"] == "another-model"]
            assert [body["temperature"] for body in sent] == [0.25]
            assert len(sample.server.bodies()) == 2

    def test_a_variant_that_leaves_a_tool_out_does_not_offer_it(self, sample: ConformanceSample) -> None:
        if not (sample.changes_model and sample.sees_tools):
            pytest.skip("its variants are prompts alone")
        sample.server.reset()
        fewer = Variant(name="fewer", tools=(f"-{sample.tool}",))
        outcome = _measured(sample, _steps(sample.run)[0].number, fewer, trials=1)
        names = {name: [tool.name for tool in request.tools] for name, request in outcome.requests.items()}
        assert names["fewer"] == [name for name in names["current"] if name != sample.tool]
        offered = [sample.tool in json.dumps(body.get("tools", [])) for body in sample.server.bodies()]
        assert sorted(offered) == [False, True]

    def test_what_the_model_refuses_is_an_error_of_that_trial_alone(self, sample: ConformanceSample) -> None:
        sample.server.reset()
        sample.server.refuse_next()
        outcome = _measured(sample, _steps(sample.run)[0].number, trials=3)
        assert outcome.status is ForkStatus.MEASURED
        assert sorted(trial.error is None for trial in outcome.trials) == [False, True, True]

    def test_an_answer_that_is_kept_is_found_again(
        self, sample: ConformanceSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sample.session.answers, "mode", AnswersMode.REUSE)
        run = sample.session.replay(sample.run).run
        for step, scope in ((_steps(run)[-1], "step"), (_steps(run)[0], "tail")):
            first = _measured(sample, step.number, trials=2, run=run, scope=scope, folder=tmp_path)
            sample.session.answers.keep(tmp_path, [*_cached(first)])
            sample.server.reset()
            again = _measured(sample, step.number, trials=2, run=run, scope=scope, folder=tmp_path)
            assert [trial.error for trial in again.trials] == [None, None]
            assert [trial.reused for trial in again.trials] == [True, True]
            assert list(sample.server.bodies()) == []
            if scope == "step":  # a workflow's result may hold what differs between any two runs
                assert [trial.answer for trial in again.trials] == [trial.answer for trial in first.trials]

    def test_a_tail_goes_on_to_the_end_and_the_tool_is_answered_from_the_record(
        self, sample: ConformanceSample
    ) -> None:
        sample.server.reset()
        run = sample.session.replay(sample.run).run
        outcome = _measured(sample, _steps(run)[0].number, trials=2, run=run, scope="tail")
        assert [trial.error for trial in outcome.trials] == [None, None]
        for trial in outcome.trials:
            between = StepKind.TOOL if sample.sees_tools else StepKind.OTHER
            kinds = [step.kind for step in trial.trajectory]
            assert kinds == [StepKind.MODEL, between, StepKind.MODEL]
            assert {trial.trajectory[0].agent, trial.trajectory[-1].agent} == {sample.agent}
        assert len(sample.server.bodies()) == 4
        assert not sample.acted()

    def test_a_changed_tool_result_is_in_the_next_model_call_of_its_variant_alone(
        self, sample: ConformanceSample
    ) -> None:
        run = sample.session.replay(sample.run).run
        _, tool, last = _steps(run)
        changed = {tool.number: _ELSEWHERE}
        variant = (
            Variant(name="elsewhere", tool_results=changed)
            if sample.sees_tools
            else Variant(name="elsewhere", step_outputs=changed)
        )
        for scope in ("step", "tail"):
            sample.server.reset()
            outcome = _measured(sample, last.number, variant, trials=2, run=run, scope=scope)
            assert (outcome.status, outcome.reason, outcome.unmeasured) == (ForkStatus.MEASURED, "", {})
            assert [trial.error for trial in outcome.trials] == [None] * 4
            sent = [_ELSEWHERE in json.dumps(body) for body in sample.server.bodies()]
            assert sorted(sent) == [False, False, True, True]
            assert _ELSEWHERE in json.dumps(outcome.requests["elsewhere"].input)
            assert not sample.acted()

    def test_a_changed_message_of_the_user_is_in_the_request_of_its_variant_alone(
        self, sample: ConformanceSample
    ) -> None:
        run = sample.session.replay(sample.run).run
        case_step = _steps(run)[0].number
        variant = Variant(name="otherwise", messages={"user": _ELSEWHERE})
        sample.server.reset()
        outcome = _measured(sample, case_step, variant, trials=1, run=run)
        assert (outcome.status, outcome.reason, outcome.unmeasured) == (ForkStatus.MEASURED, "", {})
        sent = [_ELSEWHERE in json.dumps(body) for body in sample.server.bodies()]
        assert sorted(sent) == [False, True]


def _steps(run: Run) -> Any:
    """Return the model step that calls the tool, the tool's step, and the model step that answers."""
    models = [step for step in run.steps if step.kind is StepKind.MODEL]
    tools = [step for step in run.steps if models[0].number < step.number < models[-1].number]
    assert (len(models), len(tools)) == (2, 1), "the sample asks its model twice, and calls one tool"
    return models[0], tools[0], models[1]


def _cached(outcome: Outcome) -> Iterator[CachedAnswer]:
    for trial in outcome.trials:
        yield from trial.cached_steps
        if trial.cached_as is not None and trial.answered_at is not None:
            yield CachedAnswer(
                digest=trial.cached_as.digest,
                trial=trial.cached_as.trial,
                answered_at=trial.answered_at,
                answer=trial.answer,
            )


def _measured(
    sample: ConformanceSample,
    step: int,
    *candidates: Variant,
    trials: int,
    run: Run | None = None,
    scope: str = "step",
    folder: Path = Path(),
) -> Outcome:
    case = Case(
        name="conformance",
        folder=folder,
        run=run or sample.run,
        step=step,
        agent=sample.agent,
        scope=scope,
    )
    fork = sample.session.fork(case)
    for variant in (current(), *candidates):
        fork.run(variant, trials)
    fork.close()
    assert fork.wait(SECONDS), "the fork did not end"
    return fork.outcome()


def __getattr__(name: str) -> Any:
    """Return :class:`ConformanceSample` for its former name ``Sample``."""
    if name != "Sample":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "refork.testing.Sample is named ConformanceSample: import that", DeprecationWarning, stacklevel=2
    )
    return ConformanceSample
