"""The totals of an evaluation, which the terminal, the page and the file show."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from refork.records.outcome import Trial
from refork.records.prices import project_price
from refork.records.usage import Money, Spending, Usage, WholeReruns, cost, total_usage

from refork_evals.results import Cell, SuiteResult
from refork_evals.results.spending import Reused, paid, reused, whole_reruns


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The sums over all cells. ``cost_usd`` is unknown as soon as one cell that called a model has no price.

    ``usage`` and ``cost_usd`` are of all answers: those ``paid`` for in this session and those ``reused``.
    ``whole_reruns`` is what rerunning the recorded runs would have taken. ``seconds`` is the wall time of the session,
    ``model_seconds`` the sum over all trials. ``project_prices`` are the models whose price comes from the project,
    ``example_prices`` those of them whose price is only an example.
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
    unpriced_models: tuple[str, ...]
    reused: Reused | None
    paid: Spending | None = None
    whole_reruns: WholeReruns | None = None
    project_prices: tuple[str, ...] = ()
    example_prices: tuple[str, ...] = ()


def totals(evaluation: SuiteResult) -> Totals:
    """Return the totals, those of the file if the evaluation was read from one."""
    if evaluation.totals is not None:
        return evaluation.totals
    cells = evaluation.cells
    priced = _project_priced(evaluation)
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
        unpriced_models=unpriced_models(evaluation),
        reused=reused(cells),
        paid=paid(cells),
        whole_reruns=whole_reruns(cells),
        project_prices=tuple(priced),
        example_prices=tuple(model for model, is_example in priced.items() if is_example),
    )


def shown_cost(cell: Cell) -> Decimal | None:
    """Return a cell's cost; None if it called no model, since nothing was bought."""
    return cell.cost_usd if cell.usage.total_tokens else None


def unpriced_models(evaluation: SuiteResult) -> tuple[str, ...]:
    """Return the models without a price that prevent a sum: those of trials, and of recorded runs if whole reruns
    lack one.
    """
    found = {model: None for cell in evaluation.cells for model in _unpriced_of(cell)}
    whole = whole_reruns(evaluation.cells)
    if whole is not None and whole.cost_usd is None:
        steps = [step for result in evaluation.cases for step in result.case.run.steps]
        found |= {
            step.model: None
            for step in steps
            if step.model and step.usage is not None and cost(step.usage, step.model) is None
        }
    return tuple(found)


def _project_priced(evaluation: SuiteResult) -> dict[str, bool]:
    """The models of trials and recorded runs whose price comes from the project, with whether it is an example."""
    trials = [scored.trial for cell in evaluation.cells for scored in cell.trials]
    steps = [step for result in evaluation.cases if result.cells for step in result.case.run.steps]
    steps += [step for trial in trials for step in trial.trajectory]
    models = [step.model for step in steps if step.usage is not None]
    models += [trial.model for trial in trials if trial.usage is not None]
    prices = {model: project_price(model) for model in models if model}
    return {model: price.example for model, price in prices.items() if price is not None}


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
    """Return the models of a tail that have no price."""
    steps = [step for step in trial.trajectory if step.usage is not None]
    return [step.model for step in steps if step.usage and cost(step.usage, step.model) is None]


def _total_cost(cells: Iterable[Cell]) -> Decimal | None:
    costs = [cell.cost_usd for cell in cells if cell.usage.total_tokens]
    known = [amount for amount in costs if amount is not None]
    return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None
