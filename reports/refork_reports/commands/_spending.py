"""Asks before money is spent, where an estimate is above what may be spent unasked."""

import sys
from decimal import Decimal
from typing import TextIO

import click
from refork.config import Config
from refork.errors import BadInputError
from refork.text import numbers as humanize
from refork.text.escape import escape_controls
from refork_evals.estimation.estimate import SuiteEstimate

from refork_reports.sentences.cost_estimate import headline

YES = "--yes"


def confirm_spending(estimate: SuiteEstimate, settings: Config, assume_yes: bool, stream: TextIO) -> bool:
    """Return whether the calls of an estimate may be made.

    At most ``ask_above`` dollars need no question. Above it, or if the cost is unknown, a person at the terminal
    ``stream`` is asked; anywhere else BadInputError says what it would take, and how to agree. A budget of
    ``max_cost`` limits what is spent.
    """
    if assume_yes or not needs_question(estimate, settings):
        return True
    limit = humanize.money(Decimal(str(settings.ask_above)))
    takes = escape_controls(headline(estimate))
    if not (stream.isatty() and sys.stdin.isatty()):
        raise BadInputError(
            f"this may cost more than ask_above, {limit}: {takes}. Nobody can be asked here: pass {YES}, "
            "limit it with max_cost, or raise ask_above"
        )
    click.echo(f"This may cost more than {limit}: {takes}.", file=stream)
    return click.confirm("Go on?", default=False, err=stream is sys.stderr)


def needs_question(estimate: SuiteEstimate, settings: Config) -> bool:
    """Return whether an estimate is above what may be spent unasked, or could be."""
    most = estimate.total.most
    if not most.calls:
        return False
    budget = None if settings.max_cost is None else Decimal(str(settings.max_cost))
    known = [cost for cost in (most.cost_usd, budget) if cost is not None]
    return not known or min(known) > Decimal(str(settings.ask_above))
