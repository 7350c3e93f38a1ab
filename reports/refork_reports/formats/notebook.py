"""Shows the matrix of cases and variants in a notebook's cell: a table with inline styles, and nothing that runs."""

from refork_evals.results import SuiteResult

from refork_reports.page_templates import environment
from refork_reports.views.matrix import matrices


def matrix(evaluation: SuiteResult) -> str:
    """Return HTML of a table for each agent. Text of a model and names of cases are escaped."""
    template = environment().get_template("notebook.html.j2")
    return template.render(matrices=matrices(evaluation))
