"""The lines after collection that say what a session will take."""

from refork.text.escape import escape_controls
from refork_evals.estimation.estimate import SuiteEstimate
from refork_reports.sentences import cost_estimate


def estimate_lines(estimate: SuiteEstimate, *, by_case: bool) -> list[str]:
    """Return one line for the session, or a line for each case and one for all of them."""
    said = cost_estimate.by_case(estimate) if by_case else [cost_estimate.headline(estimate)]
    return [f"agent evals, estimated: {escape_controls(line)}" for line in said]
