"""Checks whether the trials of a cell look like independent draws, as its verdict and interval assume."""

from collections.abc import Mapping
from typing import Any, Final

from refork.records import Answer

from refork_evals.digests import output_digest
from refork_evals.results import Cell
from refork_evals.results.independence import Dependence

SHORT: Final = 40
"""Characters of a text up to which a model may well write it the same way ten times."""
LONG: Final = 400
"""Characters of a text from which a model does not write it the same way three times."""
_OF_SHORT: Final = 10
_OF_LONG: Final = 3
_NESTED: Final = ("extra_body", "extra_args")
"""The keys under which frameworks put settings that they do not know themselves."""


def dependence(cell: Cell) -> Dependence | None:
    """Return the clearest sign that the trials are not independent; None if there is none."""
    answers = [scored.trial.answer for scored in cell.trials if scored.trial.answer is not None]
    if len(answers) < 2:
        return None
    settings = {} if cell.request is None else cell.request.settings
    temperature = _number(_setting(settings, "temperature"))
    if temperature == 0:
        return None  # the same answer is what was asked for
    count, seed = len(answers), _setting(settings, "seed")
    if seed is not None:
        return Dependence(sign="seed", answers=count, temperature=temperature, seed=str(seed))
    digests = [output_digest(answer) for answer in answers]
    if len(set(digests)) == 1:
        is_odd = _are_oddly_identical(answers[0], count, temperature)
        return Dependence(sign="identical", answers=count, temperature=temperature) if is_odd else None
    return _repeats(digests, temperature)


def _are_oddly_identical(answer: Answer, count: int, temperature: float | None) -> bool:
    """Return whether prose is suspiciously identical. A label, a tool call or extracted data may always be the same
    for good reason.
    """
    if answer.tool_calls or answer.structured is not None:
        return False
    length = len(answer.text)
    if length >= LONG:
        return count >= _OF_LONG
    return temperature is not None and length >= SHORT and count >= _OF_SHORT


def _repeats(digests: list[str], temperature: float | None) -> Dependence | None:
    from refork_evals.statistics.repeats import LEVEL, repeats_p_value  # noqa: PLC0415 - NumPy, where it is needed

    p_value = repeats_p_value(digests)
    if p_value > LEVEL:
        return None
    return Dependence(sign="repeats", answers=len(digests), temperature=temperature, p_value=p_value)


def _setting(settings: Mapping[str, Any], name: str) -> Any:
    places = [settings, *(each for key in _NESTED if isinstance(each := settings.get(key), dict))]
    return next((place[name] for place in places if place.get(name) is not None), None)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
