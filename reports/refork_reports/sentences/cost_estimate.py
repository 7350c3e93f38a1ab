"""The estimate of an evaluation in words: in one line, and case by case."""

from refork.records.prices import project_price
from refork.text import numbers as humanize
from refork_evals.estimation.estimate import SuiteEstimate, WorkRange

from refork_reports.sentences.spending import price_source

OFFLINE = "no model is called, since answers are offline"
CACHED = "no call is needed, all answers are cached"


def headline(estimate: SuiteEstimate) -> str:
    """Return the figures of an estimate and the reservations about them, in a sentence for one line."""
    if estimate.is_offline:
        return OFFLINE
    if not estimate.total.most.calls:
        return CACHED if estimate.reusable else "no model is called"
    return "; ".join([figures(estimate), *notes(estimate)])


def figures(estimate: SuiteEstimate) -> str:
    """Return the figures alone, such as ``30 to 180 calls, 41.2k to 247k tokens, $0.02 to $0.11, 1 m to 5 m``."""
    total = estimate.total
    return ", ".join([_calls(total), _tokens(total), cost(estimate), _time(estimate)])


def notes(estimate: SuiteEstimate) -> list[str]:
    """Return the reservations about the figures, each a sentence."""
    found: list[str] = []
    judges = estimate.judges.most.calls
    if judges:
        found.append(f"up to {judges:,} of the calls are of judges")
    if estimate.reusable:
        are = "answer is" if estimate.reusable == 1 else "answers are"
        found.append(f"{estimate.reusable:,} {are} cached, and free where the request is unchanged")
    if estimate.is_rough:
        found.append("tokens are rough, by characters")
    return found


def rows(estimate: SuiteEstimate) -> list[tuple[str, str, str]]:
    """Return a row for each case: its name, its variants and trials, and its estimate."""
    return [(name, _cells(part), headline(part)) for name, part in estimate.by_case.items()]


def by_case(estimate: SuiteEstimate) -> list[str]:
    """Return a line for each case, and one for all of them."""
    lines = [f"{name} ({cells}): {takes}" for name, cells, takes in rows(estimate)]
    return [*lines, f"in total: {headline(estimate)}"]


def cost(estimate: SuiteEstimate) -> str:
    """Return the cost, such as ``$0.02 to $0.11``; if it is unknown, the reason."""
    least, most = estimate.total.least.cost_usd, estimate.total.most.cost_usd
    if least is None or most is None:
        return f"cost {humanize.UNKNOWN} ({_why_unknown(estimate)})"
    source = _price_source(estimate) if most else ""
    return f"{_range(humanize.money(least), humanize.money(most))} {source}".rstrip()


def _price_source(estimate: SuiteEstimate) -> str:
    own = {model: price for model in estimate.models if (price := project_price(model)) is not None}
    return price_source(own, [model for model, price in own.items() if price.example])


def _why_unknown(estimate: SuiteEstimate) -> str:
    if estimate.total.most.tokens is None:
        return "the record tells no tokens"
    names = [repr(model) for model in estimate.unpriced]
    if not names:
        return "no model is on record"
    return f"no price known for model{'s' if len(names) > 1 else ''} {humanize.listed(names)}"


def _cells(estimate: SuiteEstimate) -> str:
    variants = ", ".join(cell.variant for cell in estimate.cells)
    fewest, most = estimate.trials
    return f"{variants}; {_count(fewest, most, 'trial')}"


def _calls(total: WorkRange) -> str:
    return _count(total.least.calls, total.most.calls, "call")


def _count(fewest: int, most: int, noun: str) -> str:
    return humanize.plural(most, noun) if fewest == most else f"{fewest:,} to {humanize.plural(most, noun)}"


def _tokens(total: WorkRange) -> str:
    if total.most.tokens is None or total.least.tokens is None:
        return f"tokens {humanize.UNKNOWN}"
    return f"{_range(*(humanize.tokens(work.tokens) for work in (total.least, total.most)))} tokens"


def _time(estimate: SuiteEstimate) -> str:
    least, most = estimate.seconds
    if least is None or most is None:
        return f"time {humanize.UNKNOWN}"
    return "about " + _range(humanize.duration(least), humanize.duration(most))


def _range(least: str, most: str) -> str:
    return most if least == most else f"{least} to {most}"
