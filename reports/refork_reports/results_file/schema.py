"""The shape of ``results.json``, format version 1: all that a report shows, nothing shortened.

Each field is declared once: its type and meaning in the file, where its value comes from, and its column in the frames.
"""

import math
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator
from refork.records import Answer, Request, Step, StepKind
from refork.records.outcome import ForkStatus, TrialError
from refork.records.usage import Money, Spending, Usage, WholeReruns
from refork.tool_policy.conversation import asks_user
from refork_evals.results import (
    CaseResult,
    Cell,
    Change,
    Fingerprint,
    Interval,
    Judged,
    Method,
    Recommendation,
    ScoredTrial,
    SecondLook,
    Verdict,
)
from refork_evals.results.agreement import Calibration, Kappa
from refork_evals.results.comparisons import Comparison, Share, VariantComparison
from refork_evals.results.estimates import AtK, ScorerRate
from refork_evals.results.gate import GateCase
from refork_evals.results.independence import Dependence
from refork_evals.results.sections import Section
from refork_evals.results.spending import paid, reused_spending
from refork_evals.results.totals import Totals, shown_cost, totals

from refork_reports.results_file.entry import Entry, FrameColumn, Of, Plain
from refork_reports.sections import sections as sections_of
from refork_reports.sentences.headline import headline as headline_of
from refork_reports.sentences.steps import call_line, output_line
from refork_reports.views.requests import prompt_of
from refork_reports.views.run_pages.timeline import Moment, State, moments

VERSION: Final = 1

Known = Annotated[
    float | None,
    BeforeValidator(lambda value: None if isinstance(value, float) and not math.isfinite(value) else value),
]
"""A number that becomes null if JSON cannot hold it."""


class ErrorEntry(Entry):
    type: str
    message: str


def _turn(step: Step) -> Any:
    return step.output if asks_user(step) else None


class ScoreEntry(Entry):
    """The result of one scorer. ``passed`` is null if the scorer raised; ``error`` is then set."""

    scorer: Annotated[str, FrameColumn("str")]
    passed: Annotated[bool | None, FrameColumn("boolean")]
    reason: Annotated[str, FrameColumn("str")]
    value: Annotated[Known, FrameColumn("Float64")]
    error: Annotated[str | None, FrameColumn("str")]
    judge: Annotated[Plain[Judged] | None, Of("judged")] = Field(default=None, description="of a `judge`")


class TrajectoryEntry(Entry):
    """A step of a tail: ``name`` is its agent's or tool's, else the step's own."""

    number: int
    kind: str
    name: Annotated[str, Of(lambda step: step.label or step.name)]
    arguments: Any
    said: Annotated[str, Of(output_line)] = Field(description="the first line of its answer, output or error")
    operation: Annotated[str, Of("name")] = Field(default="", description="the step's own name")
    tool: str | None = None
    answer: Plain[Answer] | None = None
    error: ErrorEntry | None = None
    user: bool = Field(
        default=False, description="its output is a turn of the user, by a rule of the project"
    )
    turn: Annotated[Any, Of(_turn)] = Field(
        default=None, description="what the user said, if it waited for them"
    )


def _reused_steps(scored: ScoredTrial) -> list[int]:
    return sorted(scored.trial.reused_steps)


class TrialEntry(Entry):
    """One rerun. ``passed`` is null where it could not be measured. ``resumed``: from a killed session."""

    inside = "trial"

    number: Annotated[int, FrameColumn("int64")]
    passed: Annotated[bool | None, FrameColumn("boolean")]
    reused: bool = Field(description="answered from what was kept")
    answered_at: datetime | None
    resumed: Annotated[bool, FrameColumn("bool")]
    model: str | None
    seconds: Annotated[float, FrameColumn("float64")] = Field(
        description="wall time of the model call that answered, or of the tail"
    )
    usage: Annotated[
        Plain[Usage] | None,
        FrameColumn("Int64", "input_tokens", lambda usage: usage.input_tokens),
        FrameColumn("Int64", "output_tokens", lambda usage: usage.output_tokens),
    ]
    cost_usd: Annotated[Money | None, FrameColumn("Float64")]
    answer: Annotated[
        Plain[Answer] | None,
        FrameColumn("str", "text", lambda answer: answer.text),
        FrameColumn("str", "tool_calls", lambda answer: "\n".join(map(call_line, answer.tool_calls))),
    ]
    error: Annotated[
        Plain[TrialError] | None, FrameColumn("str", of=lambda error: f"{error.type}: {error.message}")
    ]
    scores: list[ScoreEntry]
    trajectory: list[TrajectoryEntry] = Field(
        default=[], description="in tail scope, the steps from the fork point on"
    )
    reused_steps: Annotated[list[int], Of(_reused_steps)] = Field(
        default=[], description="the numbers of those of them that were answered from what was kept"
    )


def _at_k(cell: Cell) -> tuple[AtK, ...]:
    from refork_evals.verdicts.estimates import at_k  # noqa: PLC0415 - SciPy, which reading the file needs not

    return at_k(cell)


def _scorers(cell: Cell) -> tuple[ScorerRate, ...]:
    from refork_evals.verdicts.estimates import scorer_rates  # noqa: PLC0415

    return scorer_rates(cell.trials)


def _dependence(cell: Cell) -> Dependence | None:
    from refork_evals.verdicts.independence import dependence  # noqa: PLC0415

    return dependence(cell)


class CellEntry(Entry):
    """A case under a variant.

    ``interval`` is of 95%, wide enough for whatever the unmeasured trials would have been; ``pass_rate`` is
    passes over measured trials, null where none was measured.
    """

    variant: Annotated[str, FrameColumn("str")]
    verdict: Annotated[Verdict, FrameColumn(Verdict)]
    reason: str
    fixes: Annotated[bool, FrameColumn("bool")] = Field(
        description="this candidate passes, current does not, and a test shows it to be better"
    )
    min_pass_rate: Annotated[float, FrameColumn("float64")]
    passes: Annotated[int, FrameColumn("int64")]
    failures: Annotated[int, FrameColumn("int64")]
    errors: Annotated[int, FrameColumn("int64")]
    missing: Annotated[int, FrameColumn("int64")] = Field(
        description="trials that were scheduled and did not run"
    )
    pass_rate: Annotated[float | None, FrameColumn("Float64")]
    interval: Annotated[
        Plain[Interval] | None,
        FrameColumn("Float64", "low", lambda interval: interval.low),
        FrameColumn("Float64", "high", lambda interval: interval.high),
    ]
    p_value: Known
    method: Method = Field(description="how the verdict was decided")
    comparison: Plain[Comparison] | None
    rounds: int | None = Field(
        default=None,
        description="of a candidate, the trials that it and current took side by side until their common rule stopped",
    )
    beside: Change | None = Field(
        default=None, description="whether a candidate is better than current in this case, or worse"
    )
    second_look: Plain[SecondLook] | None = Field(
        default=None, description="the fresh trials with which a drop was to be confirmed"
    )
    changes: str = Field(
        default="", description="what the variant changes before the fork point, in words; else empty"
    )
    counted: int | None = Field(
        default=None, description="the first trials on which the verdict rests; null where it rests on all"
    )
    cut_short: bool = Field(default=False, description="a budget ended it before it was decided")
    usage: Annotated[
        Plain[Usage],
        FrameColumn("int64", "input_tokens", lambda usage: usage.input_tokens),
        FrameColumn("int64", "output_tokens", lambda usage: usage.output_tokens),
    ]
    cost_usd: Annotated[Money | None, Of(shown_cost), FrameColumn("Float64")]
    seconds: Annotated[float, FrameColumn("float64")] = Field(
        description="wall time of all its trials, added up"
    )
    paid: Annotated[
        Plain[Spending] | None,
        Of(lambda cell: paid((cell,))),
        FrameColumn("Int64", "paid_tokens", lambda paid: paid.tokens),
        FrameColumn("Float64", "paid_cost_usd", lambda paid: paid.cost_usd),
    ] = Field(default=None, description="the calls that were made in this session")
    reused: Annotated[
        Plain[Spending] | None,
        Of(lambda cell: reused_spending((cell,))),
        FrameColumn("Int64", "reused_tokens", lambda reused: reused.tokens),
        FrameColumn("Float64", "reused_cost_usd", lambda reused: reused.cost_usd),
    ] = Field(
        default=None, description="answers of earlier sessions, with what they took when they were paid for"
    )
    whole_reruns: Annotated[
        Plain[WholeReruns] | None,
        FrameColumn("Int64", "rerun_tokens", lambda whole: whole.tokens),
        FrameColumn("Float64", "rerun_cost_usd", lambda whole: whole.cost_usd),
        FrameColumn("Float64", "rerun_seconds", lambda whole: whole.seconds),
    ] = Field(default=None, description="the whole recorded run once for every trial, one after another")
    request: Plain[Request] | None
    at_k: Annotated[list[Plain[AtK]], Of(_at_k)] = Field(
        default_factory=list[AtK], description="of the measured trials, for k below their number"
    )
    scorers: Annotated[list[Plain[ScorerRate]], Of(_scorers)] = Field(default_factory=list[ScorerRate])
    dependence: Annotated[Plain[Dependence] | None, Of(_dependence)] = Field(
        default=None, description="a sign that its trials are not independent draws"
    )
    trials: Annotated[list[TrialEntry], FrameColumn("int64", of=len)]


def _arguments(moment: Moment) -> Any:
    return None if moment.state == "before" else moment.step.arguments


class StepEntry(Entry):
    """A step of the recorded run. ``state`` is its place: before the fork point, or after."""

    inside = "step"

    number: int
    name: str
    kind: StepKind
    state: State
    agent: str | None
    tool: str | None
    model: str | None
    started_at: datetime | None
    seconds: float | None
    usage: Plain[Usage] | None
    output: str = Field(description="the first line of the output")
    answer: Plain[Answer] | None
    error: ErrorEntry | None
    arguments: Annotated[Any, Of(_arguments)] = Field(
        default=None, description="if they are known, of the fork point and of steps after it"
    )
    user: bool = Field(
        default=False, description="its output is a turn of the user, by a rule of the project"
    )
    turn: Annotated[Any, Of(lambda moment: _turn(moment.step))] = Field(
        default=None, description="what the user said, if it waited for them"
    )


class RunEntry(Entry):
    """The recorded run, its steps in order."""

    inside = "run"

    id: str
    workflow: str
    status: str
    framework: str | None
    created_at: datetime | None
    seconds: float | None
    usage: Plain[Usage]
    error: ErrorEntry | None
    steps: Annotated[list[StepEntry], Of(moments)]


class ForkEntry(Entry):
    """The fork of the case. ``run_id`` is its workflow id in the evals database."""

    status: ForkStatus
    reason: str
    run_id: str | None
    seconds: float


class AgreementEntry(Entry):
    """Distinct outputs of the session that the judge judged and a person labelled. Intervals are Wilson's."""

    outputs: int
    too_few: bool
    both_pass: int
    both_fail: int
    false_passes: int = Field(description="the person fails them, the judge lets them pass")
    false_fails: int = Field(description="the person passes them, the judge fails them")
    false_pass_rate: Share | None = Field(description="of the outputs that the person fails")
    false_pass_interval: Plain[Interval] | None
    false_fail_rate: Share | None = Field(description="of the outputs that the person passes")
    false_fail_interval: Plain[Interval] | None
    kappa: Plain[Kappa]


class CalibrationEntry(Entry):
    """A rubric's judge compared with a person's labels. ``asked`` and ``answered`` count its scores by model."""

    place: int = Field(description="of its expectation in `expect`, from 0")
    rubric: Annotated[str, Of("text")]
    asked: dict[str, int]
    answered: dict[str, int]
    labels: int = Field(description="labels of this rubric in labels.jsonl, of whatever output")
    contradicted: int = Field(description="outputs of several trials that it let pass and failed")
    agreement: AgreementEntry
    problem: str = Field(description="what is wrong with labels.jsonl; else empty")


def _judges(result: CaseResult) -> tuple[Calibration, ...]:
    from refork_evals.agreement.calibration import calibrated  # noqa: PLC0415

    return calibrated(result)


class CaseEntry(Entry):
    inside = "case"

    name: str
    description: str
    agent: Annotated[str | None, FrameColumn("str")]
    scope: str
    guard: Annotated[bool, FrameColumn("bool")]
    step: int = Field(description="the fork point")
    expect: Annotated[list[dict[str, Any]], Of(lambda result: [dict(each) for each in result.case.expect])]
    not_red: bool = Field(description="the recorded failure meets the case's own expectations")
    not_green: bool = Field(
        default=False, description="the recorded answer of a guard fails the guard's own expectations"
    )
    winners: list[str]
    place: str = Field(
        default="", description="what pytest takes to run the case again; empty if it is no item of pytest's"
    )
    run: Annotated[RunEntry, Of("case")]
    fork: Annotated[ForkEntry | None, Of("outcome")]
    recorded: TrialEntry | None = Field(
        description="production's answer, scored and not run; its number is 0"
    )
    prompt: Annotated[str | None, Of(prompt_of)] = Field(
        default=None, description="as the code has it, if the fork came far enough to see it"
    )
    fingerprint: Plain[Fingerprint] | None = Field(
        default=None, description="digests of what the case measures; rates compare only where they are equal"
    )
    cells: list[CellEntry]
    judges: Annotated[list[CalibrationEntry], Of(_judges)] = Field(
        default=[], description="a `judge` each that stands by itself"
    )

    @model_validator(mode="after")
    def _forks_in_its_run(self) -> "CaseEntry":
        if all(step.number != self.step for step in self.run.steps):
            raise ValueError(f"step {self.step} is none of its run's steps")
        return self


class SuiteDropEntry(Entry):
    """The test of all cases together: it found a drop where ``p_value`` is at most ``level``."""

    p_value: float
    level: float
    cases: int
    dropped: bool
    at_most: float | None = None


class GateEntry(Entry):
    """``current`` compared with the accepted baseline."""

    passes: bool
    baseline: str
    cases: list[Plain[GateCase]]
    suite: SuiteDropEntry | None
    could_find: str
    notes: list[str]


def _recorded(name: str) -> Of:
    """Return the source of what the history says of this session; None if no history is kept."""
    return Of(lambda evaluation: getattr(evaluation.history[-1], name) if evaluation.history else None)


class Results(Entry):
    """``results.json``: one evaluation. Unknown is null, money a decimal string, numbers always finite."""

    version: Annotated[Literal[1], Of(lambda _: VERSION)]
    refork: Annotated[str, Of("refork_version")] = Field(
        description="the version of Refork that wrote the file"
    )
    started_at: datetime
    alpha: float = Field(description="the error rate behind verdicts")
    headline: Annotated[str, Of(lambda evaluation: headline_of(evaluation).whole)]
    settings: Annotated[
        dict[str, str],
        Of(lambda evaluation: {key: str(value) for key, value in sorted(evaluation.settings.items())}),
    ]
    commit: Annotated[str | None, _recorded("commit")] = Field(
        default=None,
        description="that was checked out; null outside a git repository, or if no history is kept",
    )
    dirty: Annotated[bool | None, _recorded("dirty")] = Field(
        default=None, description="tracked files differed from it"
    )
    versions: Annotated[dict[str, str] | None, _recorded("versions")] = Field(
        default=None, description="of Python and of the packages that matter"
    )
    totals: Annotated[Plain[Totals], Of(totals)]
    cases: list[CaseEntry]
    comparisons: list[Plain[VariantComparison]]
    recommendations: list[Plain[Recommendation]] = Field(
        default=[],
        description="for each agent with something to fix, the prompt to take, or why there is none",
    )
    gate: GateEntry | None
    sections: Annotated[list[Plain[Section]] | None, Of(sections_of)] = Field(
        default=None, description="tables that packages add to the report; null in older files"
    )
