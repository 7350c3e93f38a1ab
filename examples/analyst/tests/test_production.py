"""Against the recorded answers, production goes as it went: three runs fail and two go well, every time."""

import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOSClient
from serving import PROJECT, model_server, stats

MODEL_STEP = "_model_call_step"
RUNS = ("top-months", "region-concentration", "west-revenue", "south-revenue", "product-revenue")


@dataclass(frozen=True)
class Production:
    printed: str
    served: dict[str, int]
    database: str
    reports: Path

    def workflows(self) -> dict[str, Any]:
        client = DBOSClient(system_database_url=self.database)
        try:
            return {each.workflow_id: each for each in client.list_workflows()}
        finally:
            client.destroy()

    def steps(self, workflow_id: str) -> list[tuple[str, Any]]:
        """Name and output of each step, in order."""
        client = DBOSClient(system_database_url=self.database)
        try:
            steps = client.list_workflow_steps(workflow_id)
        finally:
            client.destroy()
        return [(step["function_name"].rsplit(".", 1)[-1], step["output"]) for step in steps]

    def asked(self, workflow_id: str, step: int) -> tuple[str, str]:
        """The tool that the model called at a step, and its arguments."""
        name, answer = self.steps(workflow_id)[step - 1]
        assert name == MODEL_STEP
        call = next(item for item in answer.output if item.type == "function_call")
        return call.name, call.arguments


def run(module: str, *arguments: str, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "none",
        "DBOS_SYSTEM_DATABASE_URL": f"sqlite:///{folder}/analyst.sqlite",
        "ANALYST_REPORTS": str(folder / "published"),
    }
    environment.pop("ANALYST_MODEL", None)
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Generator[Production]:
    folder = tmp_path_factory.mktemp("production")
    with model_server(folder) as url:
        ended = run("analyst.production", url=url, folder=folder)
        assert ended.returncode == 0, ended.stderr
        yield Production(ended.stdout, stats(url), f"sqlite:///{folder}/analyst.sqlite", folder / "published")


def test_no_request_is_missing_and_none_is_answered_twice(production: Production) -> None:
    assert production.served["missed"] == production.served["repeated"] == 0


def test_every_run_has_at_least_seven_steps(production: Production) -> None:
    assert {run: len(production.steps(run)) >= 7 for run in production.workflows()} == dict.fromkeys(
        RUNS, True
    )


def test_top_months_fails_on_malformed_sql(production: Production) -> None:
    tool, arguments = production.asked("top-months", 2)
    assert tool == "run_sql"
    assert "TOP 5" in arguments
    assert str(production.steps("top-months")[2][1]).startswith("Error: Parser Error")


def test_region_concentration_calls_the_wrong_tool(production: Production) -> None:
    assert production.asked("region-concentration", 4)[0] == "growth"


def test_west_revenue_ends_in_a_misleading_summary(production: Production) -> None:
    assert "(19.2)" in str(production.steps("west-revenue")[4][1])
    summary = (production.reports / "west-revenue.md").read_text(encoding="utf-8").lower()
    assert any(word in summary for word in ("grew", "growth", "increas"))
