"""Parameters of a test of which ``make test`` runs a sample, and ``make test-slow`` the others."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(values: Iterable[Any], *, quick: Collection[Any]) -> list[Any]:
    """Return the values as parameters, with the marker ``slow`` on all but the ``quick`` ones."""
    found = [*values]
    missing = [each for each in quick if each not in found]
    assert not missing, f"no parameter is {missing[0]!r}"
    return [each if each in quick else pytest.param(each, marks=pytest.mark.slow) for each in found]
