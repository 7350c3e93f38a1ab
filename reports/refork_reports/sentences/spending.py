"""Describes what a session paid, what it reused and what whole reruns would have taken, in three sentences."""

from collections.abc import Collection

from refork.records.usage import Money
from refork.text import numbers as humanize
from refork_evals.results.spending import Reused
from refork_evals.results.totals import Totals


def lines(summed: Totals) -> tuple[str, ...]:
    """Return a sentence for each figure that there is; none if nothing ran."""
    found = (
        ("paid now", paid(summed)),
        ("reused", reused(summed)),
        (whole_reruns_title(summed), whole_reruns(summed)),
    )
    return tuple(f"{title}: {said}" for title, said in found if said)


def paid(summed: Totals) -> str:
    """Describe what was paid: 30 answers, 12.3k tokens, $0.0042. Empty if no model answered, now or before."""
    spent = summed.paid
    if spent is None or not (spent.trials or summed.reused):
        return ""
    if not spent.trials:
        return "nothing, no model was called"
    return _listed(f"{humanize.plural(spent.trials, 'answer')}", spent.tokens, _price(spent.cost_usd, summed))


def reused(summed: Totals) -> str:
    """Describe what was reused: 10 of 40 answers, of 2026-03-03; when paid for, 4.1k tokens, $0.0014. Empty if
    nothing was.
    """
    found = summed.reused
    if found is None:
        return ""
    spent = _listed("when paid for", found.tokens, _price(found.cost_usd, summed))
    return f"{_counts(found)}; {spent}" if found.tokens else _counts(found)


def reused_short(found: Reused | None) -> str:
    """Describe what was reused in short: 40 reused, of 2026-03-03."""
    return f"{found.trials:,} reused{_dates(found)}" if found is not None and found.trials else ""


def whole_reruns_title(summed: Totals) -> str:
    """Return the title of whole reruns: 30 whole reruns would have taken."""
    whole = summed.whole_reruns
    return "" if whole is None else f"{humanize.plural(whole.trials, 'whole rerun')} would have taken"


def whole_reruns(summed: Totals) -> str:
    """Describe whole reruns: 1.2M tokens, $3.40, one after another 41 min; this session took 1 m 23 s. Empty if
    unknown.
    """
    whole = summed.whole_reruns
    if whole is None:
        return ""
    after = "" if whole.trials == 1 else "one after another "
    return (
        f"{humanize.tokens(whole.tokens)} tokens, {_price(whole.cost_usd, summed)}, "
        f"{after}{humanize.duration(whole.seconds)}; this session took {humanize.duration(summed.seconds)}"
    )


def no_price(models: tuple[str, ...]) -> str:
    """Say which models have no price: no price known for model 'x'."""
    if not models:
        return "no price known for a model of the recorded runs"
    named = humanize.listed([repr(model) for model in models])
    return f"no price known for model{'s' if len(models) > 1 else ''} {named}"


def price_source(project: Collection[str], examples: Collection[str]) -> str:
    """Say where prices come from: by your price list; at an example price. Empty if all are from the public lists."""
    if not project:
        return ""
    if not examples:
        return "by your price list"
    return (
        "at an example price" if len(examples) == len(project) else "by your price list, in part an example"
    )


def _price(cost: Money | None, summed: Totals) -> str:
    if cost is None:
        return f"cost {humanize.UNKNOWN} ({no_price(summed.unpriced_models)})"
    source = price_source(summed.project_prices, summed.example_prices) if cost else ""
    return f"{humanize.money(cost)} {source}".rstrip()


def _listed(first: str, tokens: int, price: str) -> str:
    return f"{first}, {humanize.tokens(tokens)} tokens, {price}"


def _counts(found: Reused) -> str:
    cached = f"{found.trials:,} of {humanize.plural(found.of, 'answer')}{_dates(found)}"
    counts = [cached] if found.trials else []
    counts += [f"{found.resumed:,} resumed from a stopped session"] if found.resumed else []
    return humanize.listed(counts) or "calls within tails"


def _dates(found: Reused) -> str:
    if found.oldest is None or found.newest is None:
        return ""
    oldest, newest = f"{found.oldest:%Y-%m-%d}", f"{found.newest:%Y-%m-%d}"
    return f", of {oldest}" if oldest == newest else f", of {oldest} to {newest}"
