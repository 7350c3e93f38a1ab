"""The examples and numbers of the documentation are true."""

import re
from pathlib import Path

import pytest
import yaml
from refork_evals.results import Verdict
from refork_evals.scorers.builtin import BUILT_IN
from refork_evals.scorers.expectations import parse_expectations
from refork_evals.statistics import trials_needed
from refork_evals.verdicts.decision import CellCounts, decide, p_refuted
from support.evals_builders import case

DOCS = Path(__file__).parents[4] / "docs"
SCORERS = (DOCS / "scorers.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", SCORERS, re.MULTILINE | re.DOTALL)
ROWS = re.findall(
    r"^\| ([\d.]+) \| (\d+) \| (\d+|never)\D* \| (\d+)\D* \| (\d+)\D* \|$",
    (DOCS / "verdicts.md").read_text("utf-8"),
    re.M,
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_accepted(example: str) -> None:
    read = yaml.safe_load(example)
    expect = tuple(read["expect"] if isinstance(read, dict) else read)
    assert parse_expectations(case(expect=expect, scope="tail"))


def test_every_scorer_and_parameter_is_described() -> None:
    for kind, model in BUILT_IN.items():
        assert f"**`{kind}`**" in SCORERS
        hidden = {"scorers", "scorer"}
        assert [name for name in set(model.accepted()) - hidden if f"`{name}`" not in SCORERS] == []


def verdict(passes: int, trials: int, rate: float) -> Verdict:
    counts = CellCounts(passes=passes, failures=trials - passes)
    return decide(counts, rate, p_refuted=p_refuted(counts, rate)).verdict


@pytest.mark.parametrize(("rate", "trials", "passing", "failing", "needed"), ROWS)
def test_the_table_of_verdicts_is_what_is_decided(
    rate: str, trials: str, passing: str, failing: str, needed: str
) -> None:
    verdicts = [verdict(passes, int(trials), float(rate)) for passes in range(int(trials) + 1)]
    first_pass = verdicts.index(Verdict.PASS) if Verdict.PASS in verdicts else "never"
    assert str(first_pass) == passing
    assert verdicts.count(Verdict.FAIL) - 1 == int(failing)
    assert trials_needed(float(rate), 0.05, 1) == int(needed)


def test_the_documents_have_examples_and_numbers_to_check() -> None:
    assert len(EXAMPLES) > 10
    assert len(ROWS) == 6
