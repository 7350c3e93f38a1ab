"""The notes about cells whose trials may not be independent."""

from refork.text import numbers as humanize
from refork_evals.results import Cell, SuiteResult
from refork_evals.results.independence import Dependence
from refork_evals.verdicts.independence import dependence

_THEN = "the trials are not independent, and the interval is too narrow"


def dependence_note(cell: Cell) -> str:
    """Return one line with the sign, its possible cause, and what follows; empty if there is no sign."""
    found = dependence(cell)
    return "" if found is None else _SAID[found.sign](found)


def dependence_notes(evaluation: SuiteResult) -> tuple[str, ...]:
    """Return the notes of all cells, each once, with the first of its cells and the number of others."""
    cells: dict[str, list[Cell]] = {}
    for cell in evaluation.cells:
        if note := dependence_note(cell):
            cells.setdefault(note, []).append(cell)
    return tuple(f"{_places(found)}: {note}" for note, found in cells.items())


def _places(cells: list[Cell]) -> str:
    more = f" and {humanize.plural(len(cells) - 1, 'more cell')}" if len(cells) > 1 else ""
    return f"{cells[0].case} ({cells[0].variant}){more}"


def _identical(found: Dependence) -> str:
    warmth = (
        "the request does not set temperature 0"
        if found.temperature is None
        else f"temperature is {humanize.number(found.temperature)}"
    )
    return f"all {found.answers:,} answers are identical though {warmth}: a cache or a seed? Then {_THEN}"


def _seed(found: Dependence) -> str:
    return (
        f"the request has the seed {found.seed}: if the model keeps to it, {_THEN}; "
        "leave the seed out of what is evaluated"
    )


def _repeats(found: Dependence) -> str:
    return (
        f"equal answers follow one another more often than chance explains (p = {humanize.number(found.p_value)}): "
        f"a cache? Then {_THEN}"
    )


_SAID = {"identical": _identical, "seed": _seed, "repeats": _repeats}
