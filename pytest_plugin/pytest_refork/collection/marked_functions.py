"""Reads ``@pytest.mark.refork(...)`` of a test function as a measured case."""

import dataclasses
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pytest
from refork.case_files.trial_settings import AUTO
from refork.errors import BadInputError
from refork.text.lines import nearest
from refork_evals.evaluation.measured_case import Catalogue, MeasuredCase

from pytest_refork.item_outcome import RequestedCell
from pytest_refork.option_names import MARKER

FIXTURE: Final = "trial"
_FORM: Final = f"@pytest.mark.{MARKER}('<case>', variants=[...], trials=N, min_pass_rate=R)"
_KEYS: Final = ("variants", "trials", "min_pass_rate")


@dataclass(frozen=True, kw_only=True)
class Marked:
    """The arguments of a marker."""

    case: str
    variants: Sequence[str] | None = None
    trials: int | Literal["auto"] | None = None
    min_pass_rate: float | None = None


def parse_mark(mark: pytest.Mark) -> Marked:
    """Return the arguments of a marker. Raises BadInputError that names the argument."""
    for key in mark.kwargs:
        if key not in (*_KEYS, "case"):
            raise BadInputError(f"@pytest.mark.{MARKER} takes no argument {key!r}{nearest(key, _KEYS)}")
    try:
        bound = inspect.Signature.bind(_SIGNATURE, *mark.args, **mark.kwargs)
    except TypeError as error:
        raise BadInputError(f"@pytest.mark.{MARKER}: {error}; write {_FORM}") from None
    return _checked(bound.arguments)


def measured_case_of(metafunc: pytest.Metafunc, mark: pytest.Mark, catalogue: Catalogue) -> MeasuredCase:
    """Return the measured case of a marked test function. Raises ReforkError."""
    if FIXTURE not in metafunc.fixturenames:
        raise BadInputError(
            f"the test must take the fixture {FIXTURE!r}: def {metafunc.function.__name__}({FIXTURE})"
        )
    requested = parse_mark(mark)
    return catalogue.measured_case_of_test(
        requested.case,
        test=metafunc.definition.name,
        place=metafunc.definition.nodeid,
        function=metafunc.function,
        variants=requested.variants,
        trials=requested.trials,
        min_pass_rate=requested.min_pass_rate,
    )


def with_parameters(requested: RequestedCell, ids: str) -> RequestedCell:
    """Return the measured case of one item of a test with other parameters: each set of parameters is measured
    separately.
    """
    others = ids.removesuffix(requested.variant).removesuffix("-")
    if not others:
        return requested
    case = dataclasses.replace(requested.measured_case.case, name=f"{requested.measured_case.name}[{others}]")
    return dataclasses.replace(
        requested, measured_case=dataclasses.replace(requested.measured_case, case=case)
    )


def _form(case: str, *, variants: Any = None, trials: Any = None, min_pass_rate: Any = None) -> None: ...


_SIGNATURE: Final = inspect.signature(_form)


def _checked(given: dict[str, Any]) -> Marked:
    case, variants = given["case"], given.get("variants")
    trials, rate = given.get("trials"), given.get("min_pass_rate")
    if not isinstance(case, str):
        raise _bad("case", "the name of a folder of evals/cases", case)
    if variants is not None and (
        not isinstance(variants, list | tuple) or not all(isinstance(each, str) for each in variants)
    ):
        raise _bad("variants", "a list of names", variants)
    if trials not in (None, AUTO) and (not _is_number(trials, int) or trials < 1):
        raise _bad("trials", f"{AUTO!r} or a whole number from 1 on", trials)
    if rate is not None and (not _is_number(rate, int | float) or not 0 < rate <= 1):
        raise _bad("min_pass_rate", "a number above 0 and at most 1", rate)
    return Marked(case=case, variants=variants, trials=trials, min_pass_rate=rate)


def _is_number(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _bad(key: str, wanted: str, value: Any) -> BadInputError:
    return BadInputError(f"@pytest.mark.{MARKER}: {key!r} must be {wanted}, and is {value!r}")
