"""What a whole evaluation took and saved: one sum, which the terminal, the page and the file show."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from refork.records.outcome import Trial
from refork.records.usage import Money, Savings, Usage, cost, total_usage

from refork_evals.results import Cell, Reused, SuiteResult


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The sums over all cells. ``cost_usd`` is unknown as soon as one cell that called a model has no price.

    ``seconds`` is the wall time of the session, ``model_seconds`` the sum over all trials.
    """

    cases: int
    trials: int
    passes: int
    failures: int
    errors: int
    missing: int
    resumed: int
    usage: Usage
    cost_usd: Money | None
    seconds: float
    model_seconds: float
    savings: Savings | None
    unpriced_models: tuple[str, ...]
    reused: Reused | None


def totals(evaluation: SuiteResult) -> Totals:
    cells = evaluation.cells
    trials = [scored.trial for cell in cells for scored in cell.trials]
    return Totals(
        cases=len(evaluation.cases),
        trials=len(trials),
        passes=sum(cell.passes for cell in cells),
        failures=sum(cell.failures for cell in cells),
        errors=sum(cell.errors for cell in cells),
        missing=sum(cell.missing for cell in cells),
        resumed=sum(trial.resumed for trial in trials),
        usage=total_usage(cell.usage for cell in cells),
        cost_usd=_total_cost(cells),
        seconds=evaluation.seconds,
        model_seconds=sum(cell.seconds for cell in cells),
        savings=evaluation.savings,
        unpriced_models=unpriced_models(evaluation),
        reused=evaluation.reused,
    )


def shown_cost(cell: Cell) -> Decimal | None:
    """A cell's cost; None where it called no model, since nothing was bought."""
    return cell.cost_usd if cell.usage.total_tokens else None


def unpriced_models(evaluation: SuiteResult) -> tuple[str, ...]:
    """The models in the way of a sum: those of trials, and of recorded runs where savings lack a price."""
    found = {model: None for cell in evaluation.cells for model in _unpriced_of(cell)}
    savings = evaluation.savings
    if savings is not None and savings.cost_usd is None:
        steps = [step for result in evaluation.cases for step in result.case.run.steps]
        found |= {
            step.model: None
            for step in steps
            if step.model and step.usage is not None and cost(step.usage, step.model) is None
        }
    return tuple(found)


def _unpriced_of(cell: Cell) -> list[str]:
    if cell.cost_usd is not None or not cell.usage.total_tokens:
        return []
    fallback = cell.request.model if cell.request else None
    models = [
        model
        for scored in cell.trials
        if scored.trial.usage is not None and scored.cost_usd is None
        for model in _models_of(scored.trial) or [scored.trial.model or fallback]
    ]
    return [model for model in models if model]


def _models_of(trial: Trial) -> list[str | None]:
    """The models of a tail that have no price."""
    steps = [step for step in trial.trajectory if step.usage is not None]
    return [step.model for step in steps if step.usage and cost(step.usage, step.model) is None]


def _total_cost(cells: Iterable[Cell]) -> Decimal | None:
    costs = [cell.cost_usd for cell in cells if cell.usage.total_tokens]
    known = [amount for amount in costs if amount is not None]
    return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None
