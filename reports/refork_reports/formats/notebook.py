"""The matrix of cases and variants for a notebook's cell: a table with its styles inline, and nothing that runs."""

from refork_evals.results import SuiteResult

from refork_reports.page_templates import environment
from refork_reports.views.matrix import matrices
from refork_reports.views.placed_cells import placed_cases


def matrix(evaluation: SuiteResult) -> str:
    """HTML of a table for each agent. Whatever a model or a case's name holds is escaped."""
    template = environment().get_template("notebook.html.j2")
    return template.render(matrices=matrices(placed_cases(evaluation)))
