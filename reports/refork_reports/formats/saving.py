"""Writes a report in the form that the name of its file asks for."""

from collections.abc import Callable
from pathlib import Path

from refork.errors import BadInputError
from refork.storage.files import write_atomically
from refork.text.lines import nearest
from refork_evals.results import SuiteResult


def save(evaluation: SuiteResult, path: Path) -> Path:
    """Write a page (``.html``), ``results.json`` (``.json``) or a summary (``.md``); into a folder, all three.

    Returns the path of what was written. Raises BadInputError for another kind of file, and ReforkError if it cannot be
    written.
    """
    from refork_reports import results_json  # noqa: PLC0415 - templates take half a second to import
    from refork_reports.formats import html, markdown  # noqa: PLC0415

    makers: dict[str, Callable[[SuiteResult], str]] = {
        ".html": html.render,
        ".json": results_json.dumps,
        ".md": markdown.render,
    }
    if path.is_dir() or not path.suffix:
        return html.write(evaluation, path)
    if path.suffix not in makers:
        kinds = "name a .html, .json or .md file, or a folder for all three"
        raise BadInputError(f"{str(path)!r} is not a kind of report{nearest(path.suffix, makers)}: {kinds}")
    write_atomically(path, makers[path.suffix](evaluation))
    return path
