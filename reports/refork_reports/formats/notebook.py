"""Tables for a notebook's cell, with their styles inline and nothing that runs: results, and an estimate."""

from refork_evals.estimation.estimate import SuiteEstimate
from refork_evals.results import SuiteResult

from refork_reports.page_templates import environment
from refork_reports.views.matrix import matrices
from refork_reports.views.trials.placed_cells import placed_cases


def matrix(evaluation: SuiteResult) -> str:
    """Return HTML of a table for each agent. Text of a model and names of cases are escaped."""
    template = environment().get_template("notebook.html.j2")
    return template.render(matrices=matrices(placed_cases(evaluation)))


def estimate_table(estimate: SuiteEstimate) -> str:
    """HTML of a table with a row for each case, and one for all of them."""
    return environment().get_template("estimate.html.j2").render(estimate=estimate)
