"""What ``results.json`` says of comparisons and of the gate."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from refork_reports.results_file.schema_part import Part, VerdictName

BesideName = Literal["improved", "regressed", "inconclusive"]
ChangeName = Literal["improved", "regressed", "trade-off", "unchanged", "inconclusive"]
FindingName = Literal[
    "regressed",
    "failed",
    "stale",
    "error",
    "undecidable",
    "changed",
    "removed",
    "new",
    "inconclusive",
    "unchanged",
    "improved",
]
Difference = Annotated[FiniteFloat, Field(ge=-1, le=1)]


class DifferenceEntry(Part):
    """An interval of a difference of two pass rates."""

    low: Difference
    high: Difference


class ComparisonEntry(Part):
    """A case beside its baseline. ``alpha`` is how often "regressed" comes up where nothing dropped."""

    change: ChangeName
    passes_before: int
    trials_before: int
    difference: Difference | None
    interval: DifferenceEntry | None
    alpha: FiniteFloat
    margin: FiniteFloat = Field(description="the drop that `unchanged` rules out")


class MeansEntry(Part):
    """Of one trial, the mean over cases: of a variant, and of what it is compared with."""

    variant: FiniteFloat
    against: FiniteFloat


class FlipEntry(Part):
    case: str
    before: VerdictName
    now: VerdictName


class ClusteredEntry(Part):
    """What holds for cases like these: each case counts once."""

    difference: Difference
    interval: DifferenceEntry | None
    p_value: FiniteFloat


class VariantComparisonEntry(Part):
    """A variant beside another, over all cases that both were measured on, stratified by case."""

    variant: str
    against: str
    cases: int
    change: ChangeName
    difference: Difference
    interval: DifferenceEntry
    p_value: FiniteFloat = Field(description="exact, corrected over the variants")
    could_find: FiniteFloat = Field(description="the difference that so many trials find in 8 of 10 times")
    better: list[str] = Field(description="cases that are better on their own")
    worse: list[str]
    flips: list[FlipEntry]
    like_these: ClusteredEntry | None = Field(description="null for fewer than six cases")
    tokens: MeansEntry | None
    cost_usd: MeansEntry | None
    seconds: MeansEntry | None


class GateCaseEntry(Part):
    case: str
    finding: FindingName
    blocks: bool
    said: str
    command: str = Field(description="what measures the case again")


class SuiteDropEntry(Part):
    """The test of all cases together: it found a drop where ``p_value`` is at most ``level``."""

    p_value: FiniteFloat
    level: FiniteFloat
    cases: int
    dropped: bool


class GateEntry(Part):
    """``current`` beside the accepted baseline."""

    passes: bool
    baseline: str
    cases: list[GateCaseEntry]
    suite: SuiteDropEntry | None
    could_find: str
    notes: list[str]
