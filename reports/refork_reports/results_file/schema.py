"""The shape of ``results.json``, format version 1: all that a report shows, nothing shortened."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field, FiniteFloat, PlainSerializer, WithJsonSchema

from refork_reports.results_file.comparison_schema import (
    BesideName,
    ComparisonEntry,
    GateEntry,
    VariantComparisonEntry,
)
from refork_reports.results_file.schema_part import Part, VerdictName

VERSION: Final = 1


def _plain(amount: Decimal) -> str:
    """Without an exponent. A bound method of str has a signature that pydantic does not take under Python 3.13."""
    return f"{amount:f}"


Money = Annotated[
    Decimal,
    PlainSerializer(_plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
"""US dollars, as a decimal string: ``"0.0042"``."""

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class UsageEntry(Part):
    """Tokens as the provider reported them. Input includes cached, output includes reasoning tokens."""

    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int


class SavingsEntry(Part):
    """What rerunning the whole recorded run once a trial would have taken, less what the trials took."""

    trials: int
    tokens: int
    cost_usd: Money | None = Field(description="null as soon as one model has no known price")
    seconds: FiniteFloat


class ToolCallEntry(Part):
    """A tool call as the model wrote it; ``arguments`` is a string where its JSON does not parse."""

    name: str
    arguments: Any


class AnswerEntry(Part):
    text: str
    tool_calls: list[ToolCallEntry]
    structured: Any = Field(description="the parsed answer, where the step asked for a JSON schema")
    ending: Literal["cut-off", "filtered", "refused", "empty"] | None = Field(
        default=None, description="how it ended, null where by itself"
    )


class ErrorEntry(Part):
    type: str
    message: str


class JudgeEntry(Part):
    """Who judged: the model that was asked for, those that the replies name, and how the votes went."""

    asked: str
    answered: list[str]
    votes_pass: int
    votes_fail: int
    votes_error: int


class ScoreEntry(Part):
    """What one scorer said. ``passed`` is null where the scorer raised; then ``error`` is set."""

    scorer: str
    passed: bool | None
    reason: str
    value: FiniteFloat | None
    error: str | None
    judge: JudgeEntry | None = Field(default=None, description="of a `judge`")


class TrajectoryEntry(Part):
    """A step of a tail: ``name`` is its agent's or tool's, else the step's own."""

    number: int
    kind: str
    name: str
    arguments: Any
    said: str = Field(description="the first line of its answer, output or error")


class TrialEntry(Part):
    """One rerun. ``passed`` is null where it could not be measured. ``resumed``: from a killed session."""

    number: int
    passed: bool | None
    reused: bool = Field(description="answered from what was kept")
    answered_at: datetime | None
    resumed: bool
    model: str | None
    seconds: FiniteFloat = Field(description="wall time of the model call that answered, or of the tail")
    usage: UsageEntry | None
    cost_usd: Money | None
    answer: AnswerEntry | None
    error: ErrorEntry | None
    scores: list[ScoreEntry]
    trajectory: list[TrajectoryEntry] = Field(
        default=[], description="in tail scope, the steps from the fork point on"
    )


class ToolEntry(Part):
    name: str
    description: str
    parameters: dict[str, Any]


class RequestEntry(Part):
    """What was sent to the model at the fork point. ``settings`` holds only what was set."""

    agent: str | None
    model: str | None
    prompt: str | None
    input: Any
    tools: list[ToolEntry]
    settings: dict[str, Any]
    output_schema: dict[str, Any] | None


class IntervalEntry(Part):
    low: Share
    high: Share


class AtKEntry(Part):
    """Of k answers of the cell: the chance that at least one passes (pass@k), and that all do (pass^k)."""

    k: int
    pass_at_k: Share
    pass_hat_k: Share


class MeanEntry(Part):
    """The mean of the numbers that a scorer measured, with a bootstrap interval of 95%."""

    count: int
    value: FiniteFloat
    low: FiniteFloat | None
    high: FiniteFloat | None
    method: Literal["BCa", "percentile"] | None = Field(description="null where there is no interval")
    note: str = Field(description="why there is no BCa interval, and what was left out")


class ScorerEntry(Part):
    """One scorer over the trials of a cell that have an answer. ``interval`` is Wilson's, of 95%."""

    scorer: str
    place: int = Field(description="of its expectation in `expect`, from 0")
    passes: int
    failures: int
    errors: int
    interval: IntervalEntry | None
    mean: MeanEntry | None


class CellEntry(Part):
    """A case under a variant.

    ``interval`` is of 95%, wide enough for whatever the unmeasured trials would have been; ``pass_rate`` is
    passes over measured trials, null where none was measured.
    """

    variant: str
    verdict: VerdictName
    reason: str
    fixes: bool = Field(description="this candidate fixes the case")
    min_pass_rate: FiniteFloat
    passes: int
    failures: int
    errors: int
    missing: int = Field(description="trials that were planned and did not run")
    pass_rate: FiniteFloat | None
    interval: IntervalEntry | None
    p_value: FiniteFloat | None
    method: Literal["fixed", "sequential", "baseline"] = Field(description="how the verdict was decided")
    comparison: ComparisonEntry | None
    usage: UsageEntry
    cost_usd: Money | None
    seconds: FiniteFloat = Field(description="wall time of all its trials, added up")
    rounds: int | None = Field(
        default=None,
        description="of a candidate, the trials that it and current took side by side until their common rule stopped",
    )
    beside: BesideName | None = Field(
        default=None, description="whether a candidate is better than current in this case, or worse"
    )
    savings: SavingsEntry | None
    request: RequestEntry | None
    at_k: list[AtKEntry] = Field(
        default_factory=list[AtKEntry], description="of the measured trials, for k below their number"
    )
    scorers: list[ScorerEntry] = Field(default_factory=list[ScorerEntry])
    trials: list[TrialEntry]


class StepEntry(Part):
    """A step of the recorded run. ``state`` is its place: before the fork point, or after."""

    number: int
    name: str
    kind: Literal["model", "tool", "other"]
    state: Literal["before", "fork point", "after"]
    agent: str | None
    tool: str | None
    model: str | None
    started_at: datetime | None
    seconds: FiniteFloat | None
    usage: UsageEntry | None
    output: str = Field(description="the first line of the output")
    answer: AnswerEntry | None
    error: ErrorEntry | None


class RunEntry(Part):
    """The recorded run, its steps in order."""

    id: str
    workflow: str
    status: str
    framework: str | None
    created_at: datetime | None
    seconds: FiniteFloat | None
    usage: UsageEntry
    error: ErrorEntry | None
    steps: list[StepEntry]


class ForkEntry(Part):
    """What the fork of the case gave: ``run_id`` is its workflow id in the evals database."""

    status: Literal["measured", "stale", "error"]
    reason: str
    run_id: str | None
    seconds: FiniteFloat


class KappaEntry(Part):
    """Cohen's kappa, null where it is not defined, with a bootstrap interval of 95%; ``note`` says what lacks."""

    value: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None
    note: str


class AgreementEntry(Part):
    """Distinct outputs of the session that the judge judged and a person labelled. Intervals are Wilson's."""

    outputs: int
    too_few: bool
    both_pass: int
    both_fail: int
    false_passes: int = Field(description="the person fails them, the judge lets them pass")
    false_fails: int = Field(description="the person passes them, the judge fails them")
    false_pass_rate: Share | None = Field(description="of the outputs that the person fails")
    false_pass_interval: IntervalEntry | None
    false_fail_rate: Share | None = Field(description="of the outputs that the person passes")
    false_fail_interval: IntervalEntry | None
    kappa: KappaEntry


class CalibrationEntry(Part):
    """A rubric's judge beside a person's labels. ``asked`` and ``answered`` count its scores by model."""

    place: int = Field(description="of its expectation in `expect`, from 0")
    rubric: str
    asked: dict[str, int]
    answered: dict[str, int]
    labels: int = Field(description="labels of this rubric in labels.jsonl, of whatever output")
    contradicted: int = Field(description="outputs of several trials that it let pass and failed")
    agreement: AgreementEntry
    problem: str = Field(description="what is wrong with labels.jsonl; else empty")


class CaseEntry(Part):
    name: str
    description: str
    agent: str | None
    scope: str
    guard: bool
    step: int = Field(description="the fork point")
    expect: list[dict[str, Any]]
    not_red: bool = Field(description="the recorded failure meets the case's own expectations")
    winners: list[str]
    run: RunEntry
    fork: ForkEntry | None
    recorded: TrialEntry | None = Field(
        description="production's answer, scored and not run; its number is 0"
    )
    cells: list[CellEntry]
    judges: list[CalibrationEntry] = Field(default=[], description="a `judge` each that stands by itself")


class ReusedEntry(Part):
    """Trials that were answered from what was kept, of all; when the oldest and the newest were paid for."""

    trials: int
    of: int
    oldest: datetime
    newest: datetime


class TotalsEntry(Part):
    cases: int
    trials: int
    passes: int
    failures: int
    errors: int
    missing: int
    resumed: int
    usage: UsageEntry
    cost_usd: Money | None
    seconds: FiniteFloat = Field(description="wall time of the session")
    model_seconds: FiniteFloat = Field(description="wall time of all trials, added up")
    savings: SavingsEntry | None
    unpriced_models: list[str]
    reused: ReusedEntry | None


class Results(Part):
    """``results.json``: one evaluation. Unknown is null, money a decimal string, numbers always finite."""

    version: Literal[1]
    refork: str = Field(description="the version of Refork that wrote the file")
    started_at: datetime
    alpha: FiniteFloat = Field(description="the error rate behind verdicts")
    headline: str
    settings: dict[str, str]
    totals: TotalsEntry
    cases: list[CaseEntry]
    comparisons: list[VariantComparisonEntry]
    gate: GateEntry | None
