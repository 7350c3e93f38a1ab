"""Whole applications, unmodified, in environments of their own: recorded, shown, captured, red, fixed, gated.

``REFORK_DEMO_APPS`` names the folder ``python`` of a checkout of DBOS's public demos, which are tried then, too.
"""

import os
import shutil
from pathlib import Path

import pytest
from support.applications.environments import environment, interpreter
from support.applications.journey import Journey
from support.applications.public import Tried, demos, own
from support.applications.web import Web
from support.model_server import ModelServer

_CHECKOUT = os.environ.get("REFORK_DEMO_APPS")
_COUNT = "import mlflow; print(len(mlflow.search_traces(return_type='list', locations=['0'])))"


def surroundings(tried: Tried, model: ModelServer, web: Web, folder: Path, database: str) -> dict[str, str]:
    """The environment of the application: stand-ins for its model and the web, a database, and MLflow's store."""
    root = model.url.removesuffix("/v1")
    found = {
        **web.environment,
        "DBOS_SYSTEM_DATABASE_URL": database,
        "ANTHROPIC_BASE_URL": root,
        "GOOGLE_GEMINI_BASE_URL": root,
        "GOOGLE_VERTEX_BASE_URL": root,
        "ANTHROPIC_API_KEY": "none",
        "GOOGLE_API_KEY": "none",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    if tried.on_postgres:  # a client of Databricks', which logs in without a key of OpenAI's
        return {**found, "DATABRICKS_HOST": root, "DATABRICKS_TOKEN": "dapi-none"}
    return {**found, "OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none"}


def traces(journey: Journey) -> int:
    return int(journey.run("-c", _COUNT).split()[-1])


def try_whole(tried: Tried, folder: Path, database: str) -> None:
    app = tried.application
    python = environment(interpreter(tried.python), tried.requirements)
    with Web(tried.web, folder=folder) as web, ModelServer(tried.answer) as model:
        journey = Journey(
            app, python=python, folder=folder, environment=surroundings(tried, model, web, folder, database)
        )
        journey.record()
        run = journey.run_id()
        shown = journey.show(run)
        assert shown["missing"] is None or "another version of the application" in shown["missing"]
        steps = shown["run"]["steps"]
        assert sum(step["kind"] == "model" for step in steps) == app.model_steps
        point = next(step for step in steps if step["number"] == app.step)
        assert app.prompt in point["request"]["prompt"]
        journey.capture(run)
        written = traces(journey) if tried.on_postgres else 0
        assert written > 0 or not tried.on_postgres
        red = journey.evaluate()
        assert red.verdicts == {
            ("tried", "current"): ("fail", 0, 10),
            ("tried", "careful"): ("pass", 10, 10),
        }, red.output
        assert red.code == 1
        assert not tried.on_postgres or traces(journey) == written
        journey.check_unmodified()
        if tried.edit is not None:
            take_over_and_gate(journey, tried.edit, model)


def take_over_and_gate(journey: Journey, edit: tuple[str, str, str], model: ModelServer) -> None:
    """The fix becomes the application's own prompt; the gate holds it without a call, and sees it go."""
    name, old, new = edit
    journey.edit(name, lambda text: text.replace(old, new))
    shutil.rmtree(journey.folder / "evals/prompts")
    accepted = journey.evaluate("--agent-evals-update-baseline")
    assert accepted.code == 0, accepted.output
    before = len(model.requests)
    gate = ("--agent-evals-gate", "--agent-evals-answers=offline")
    green = journey.evaluate(*gate)
    assert green.code == 0, green.output
    journey.edit(name, lambda text: text.replace(new, old))
    red = journey.evaluate(*gate)
    assert red.code == 1, red.output
    assert len(model.requests) == before


@pytest.mark.timeout(900)
@pytest.mark.parametrize("tried", own(), ids=lambda tried: tried.name)
def test_an_application_of_this_shape_goes_the_whole_way(
    tried: Tried, tmp_path: Path, postgres_url: str
) -> None:
    database = postgres_url if tried.on_postgres else f"sqlite:///{tmp_path / 'production.sqlite'}"
    try_whole(tried, tmp_path, database)


@pytest.mark.timeout(900)
@pytest.mark.skipif(_CHECKOUT is None, reason="REFORK_DEMO_APPS names no checkout of DBOS's public demos")
@pytest.mark.parametrize("tried", demos(Path(_CHECKOUT or ".")), ids=lambda tried: tried.name)
def test_a_public_demo_goes_the_whole_way_without_a_line_changed(
    tried: Tried, tmp_path: Path, postgres_url: str
) -> None:
    database = postgres_url if tried.on_postgres else f"sqlite:///{tmp_path / 'production.sqlite'}"
    try_whole(tried, tmp_path, database)
