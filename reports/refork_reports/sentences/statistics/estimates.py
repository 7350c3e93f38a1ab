"""The figures under a variant's name: each scorer's pass rate, means of numbers, pass@k and pass^k."""

from collections import Counter
from dataclasses import dataclass

from refork.text import numbers as humanize
from refork_evals.results import Cell, Method
from refork_evals.results.estimates import AtK, Mean, ScorerRate
from refork_evals.verdicts.estimates import at_k, scorer_rates


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number in words, with its name, which may be that of a ``scorer``. ``note`` is added on request."""

    name: str
    text: str
    within: str = ""
    note: str = ""
    scorer: bool = False


def estimates(cell: Cell) -> tuple[Figure, ...]:
    """Return the figures of a cell; none if they would only repeat its own rate.

    So it is of one scorer without a number, and of pass@k where all trials passed, or none.
    """
    rates = scorer_rates(cell.trials)
    names = Counter(rate.scorer for rate in rates)
    alone = len(rates) == 1 and rates[0].measured == cell.measured
    figures = [
        _scorer(rate, is_alone=names[rate.scorer] == 1)
        for rate in rates
        if not alone or rate.mean is not None
    ]
    if cell.passes and cell.failures:
        figures += [each for found in at_k(cell) if found.k > 1 for each in _at_k(found, cell)]
    return tuple(figures)


def _scorer(rate: ScorerRate, *, is_alone: bool) -> Figure:
    errors = [humanize.plural(rate.errors, "error")] if rate.errors else []
    within = [humanize.interval(rate.interval.low, rate.interval.high)] if rate.interval else []
    return Figure(
        name=rate.scorer if is_alone else f"{rate.scorer} (expect[{rate.place}])",
        text=f"{rate.passes}/{rate.measured}",
        within=", ".join([*within, *errors, *([_mean(rate.mean)] if rate.mean else [])]),
        note=rate.mean.note if rate.mean else "",
        scorer=True,
    )


def _mean(found: Mean) -> str:
    said = f"mean {humanize.number(found.value)}"
    if found.low is None or found.high is None:
        return said
    return f"{said} ({humanize.number(found.low)} to {humanize.number(found.high)})"


def _at_k(found: AtK, cell: Cell) -> list[Figure]:
    k, of = found.k, f"estimated from {humanize.plural(cell.measured, 'trial')}"
    about = ""
    if cell.method is not Method.FIXED:
        about, of = "≈", f"{of}, which stopped on what they showed: up to 14 points too high or too low"
    return [
        Figure(
            name=f"pass@{k}",
            text=about + humanize.percent(found.pass_at_k),
            note=f"at least one of {k}, {of}",
        ),
        Figure(name=f"pass^{k}", text=about + humanize.percent(found.pass_hat_k), note=f"all of {k}, {of}"),
    ]
