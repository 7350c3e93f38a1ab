"""``refork.estimate`` for notebooks and scripts: what an evaluation would take, before it starts."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from refork.text.escape import escape_controls
from refork_evals.estimation.estimate import SuiteEstimate
from refork_evals.estimation.estimating import estimate as estimate_cases

from refork_reports.evaluation import Cases, Variants, chosen_settings, listed
from refork_reports.sentences import cost_estimate


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate(SuiteEstimate):
    """The estimate of an evaluation, at the least and at the most.

    ``total.least`` and ``total.most`` have ``calls``, ``tokens`` and ``cost_usd``, ``seconds`` is the time, and
    ``cells`` is the same for each case under each variant. Unknown values are None. Printed, an estimate is a line for
    each case and one for all of them; in a notebook it is a table.
    """

    def __repr__(self) -> str:
        return f"<Estimate: {escape_controls(cost_estimate.headline(self))}>"

    def __str__(self) -> str:
        return "\n".join(map(escape_controls, cost_estimate.by_case(self)))

    def _repr_html_(self) -> str:
        from refork_reports.formats.notebook import estimate_table  # noqa: PLC0415 - Jinja2, where it is shown

        return estimate_table(self)


def estimate(
    cases: Cases = None,
    variants: Variants = None,
    *,
    trials: int | Literal["auto"] | None = None,
    project: str | Path | None = None,
    **settings: Any,
) -> Estimate:
    """Estimate what :func:`refork.evaluate` would take with the same arguments: calls, tokens, cost and time.

    Nothing is run and no call is made. The figures come from the recorded calls, the number of trials and the cached
    answers. Any other key of ``[tool.refork]`` may be passed, such as ``concurrency=4``.

    Raises a ReforkError for a wrong argument or file, as ``refork.evaluate`` does.
    """
    chosen = chosen_settings(project, {**settings, "trials": trials})
    found = estimate_cases(listed(cases), listed(variants), chosen)
    return Estimate(**{field.name: getattr(found, field.name) for field in fields(found)})
