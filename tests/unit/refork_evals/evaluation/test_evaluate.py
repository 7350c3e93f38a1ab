"""What a session's results come to follows the project's settings."""

from pathlib import Path

import pytest
from refork.config import load_config
from refork_evals.evaluation.evaluate import evaluation_of
from refork_evals.evaluation.settings import Settings
from refork_evals.scorers.registry import parse_scorer
from refork_evals.verdicts.verdict import judge_case
from support.evals_builders import NOON, case, outcome


@pytest.mark.parametrize(("smallest_drop", "change"), [(0.03, "inconclusive"), (0.2, "unchanged")])
def test_variants_are_compared_with_the_projects_own_margin(
    tmp_path: Path, smallest_drop: float, change: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.refork]\napp = "app"\nsmallest_drop = {smallest_drop}\n', encoding="utf-8"
    )
    texts = {"current": "+" * 60, "careful": "+" * 60}
    result = judge_case(
        case(), outcome(**texts), [parse_scorer({"contains": "fell"})], variants=tuple(texts), trials=60
    )
    found = evaluation_of((result,), Settings(project=load_config(tmp_path)), started_at=NOON, seconds=1.0)
    assert [(each.change.value, each.margin) for each in found.comparisons] == [(change, smallest_drop)]
