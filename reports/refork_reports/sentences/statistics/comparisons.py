"""Describes comparisons of variants: one wording for the terminal, the page and the summary."""

from decimal import Decimal

from refork.text import numbers as humanize
from refork_evals.results import Change, DifferenceInterval, VariantComparison
from refork_evals.results.comparisons import Clustered, Means
from refork_evals.statistics.strata import CLUSTERS


def points(difference: float) -> str:
    """Format a difference of two pass rates: +23 points."""
    rounded = round(difference * 100)
    sign = "+" if rounded > 0 else humanize.MINUS if rounded < 0 else "±"
    return f"{sign}{abs(rounded)} points"


def between(interval: DifferenceInterval | None) -> str:
    """Format the interval of a difference: −3 to +40 points."""
    if interval is None:
        return humanize.UNKNOWN
    low, high = points(interval.low).removesuffix(" points"), points(interval.high)
    return f"{low} to {high}"


def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def shown_p(p: float) -> str:
    """Format a p-value for a column with the heading p."""
    return p_value(p).removeprefix("p = ").removeprefix("p ")


def change(found: VariantComparison) -> str:
    """Return the verdict; for "unchanged" with the margin that it rules out, since nothing shows a difference of
    exactly zero.
    """
    said = found.change.value
    return f"{said} within {points(found.margin)[1:]}" if found.change is Change.UNCHANGED else said


def line(found: VariantComparison) -> str:
    """Describe a comparison in one line, the verdict first; before it the guards that are worse, whatever the mean."""
    guards = f"worse on {humanize.plural(len(found.worse_guards), 'guard')}, " if found.worse_guards else ""
    return (
        f"{found.variant} beside {found.against}: {guards}{change(found)}, {points(found.difference)} "
        f"({between(found.interval)}, {p_value(found.p_value)}) on {humanize.plural(found.cases, 'case')}"
    )


def details(found: VariantComparison) -> list[str]:
    """Return further sentences about a comparison."""
    return [sentence for sentence in (*remarks(found), _costs(found)) if sentence]


def remarks(found: VariantComparison) -> list[str]:
    """Return the sentences of :func:`details` without those that a table has columns for."""
    said = [_flips(found), _single(found), like_these(found.like_these)]
    if found.change in (Change.INCONCLUSIVE, Change.UNCHANGED):
        said.append(f"so many trials find a difference of {points(found.could_find)[1:]} in 8 of 10 times")
    return [sentence for sentence in said if sentence]


def like_these(found: Clustered | None) -> str:
    """Describe the estimate for cases like these, or say that there are too few cases."""
    if found is None:
        return f"of cases like these nothing is said: that takes {CLUSTERS} cases"
    return f"for cases like these: {points(found.difference)} ({between(found.interval)}, {p_value(found.p_value)})"


def ratio(means: Means | None) -> str:
    """Format the ratio of a variant's mean to the other's: ×0.8; a dash if one is unknown."""
    times = None if means is None else means.ratio
    return humanize.UNKNOWN if times is None else f"×{times:.2g}"


def _flips(found: VariantComparison) -> str:
    flips = [f"{flip.case} {flip.before} → {flip.now}" for flip in found.flips]
    return f"flipped: {_some(flips)}" if flips else ""


def _single(found: VariantComparison) -> str:
    parts = [f"better on {_some(found.better)}"] * bool(found.better)
    parts += [f"worse on {_some(found.worse)}"] * bool(found.worse)
    return f"{' and '.join(parts)}, each on its own" if parts else ""


def _costs(found: VariantComparison) -> str:
    parts: list[str] = []
    if found.tokens is not None:
        parts.append(f"{humanize.tokens(round(found.tokens.variant))} tokens a trial ({ratio(found.tokens)})")
    if found.cost_usd is not None:
        parts.append(f"{humanize.money(Decimal(repr(found.cost_usd.variant)))} ({ratio(found.cost_usd)})")
    if found.seconds is not None:
        parts.append(f"{humanize.duration(found.seconds.variant)} ({ratio(found.seconds)})")
    return ", ".join(parts)


def _some(names: "list[str] | tuple[str, ...]", most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
