"""The slow tests are run by their folder's name alone, so that ``make test`` stays quick."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_plain_run_leaves_the_slow_tests_out(pytestconfig: pytest.Config) -> None:
    assert "slow" in pytestconfig.getini("norecursedirs")


def test_ci_runs_the_slow_tests() -> None:
    assert "make test-slow" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
