"""The applications that are tried whole: of our own, and DBOS's public demos where these are at hand."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from support.applications.environments import Requirements
from support.applications.journey import Application
from support.applications.web import Visit
from support.model_server import Call, Received, Reply

SHAPES: Final = Path(__file__).with_name("shapes")
DATABRICKS: Final = (
    "databricks-openai>=0.9",
    "dbos-openai-agents>=0.3",
    "mlflow>=3.8",
    "fastapi>=0.121",
    "uvicorn>=0.34",
    "python-dotenv",
)
PYDANTIC_AI: Final = ("pydantic-ai==1.107.1", "fastapi>=0.128", "logfire>=4.16")
# What pydantic-ai 1.107 takes and does not say: clients before they moved to another HTTP library.
OF_ITS_TIME: Final = ("anthropic<1", "google-genai<2", "openai<3")
DEMO: Final = ("dbos>=3",)
"""The public demos pin dbos 2; evaluations run on dbos 3."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """An application, what it is installed with, and what its model and the web answer."""

    application: Application
    requirements: Requirements
    answer: Callable[[Received], Reply]
    python: str = "3.11"
    web: Callable[[Visit], Any] = lambda _visit: {}
    edit: tuple[str, str, str] | None = None
    """The file, the old and the new text of the fix, as its author would take it over."""
    on_postgres: bool = False

    @property
    def name(self) -> str:
        return f"{self.application.name} on Python {self.python}"


def own() -> list[Tried]:
    """Those of our own."""
    newer = [replace(_converter(python), edit=None) for python in ("3.12", "3.13")]
    return [_converter("3.11"), *newer, _headlines(), _trips(), _complaints()]


def demos(folder: Path) -> list[Tried]:
    """The public ones in a checkout's folder ``python``, whose files are as they were published."""
    return [_calculator(folder, "3.11"), _hacker_news(folder), _research(folder)]


def _careful(request: Received) -> bool:
    return "EVERY" in request.instructions


def _converter(python: str) -> Tried:
    def answer(request: Received) -> Reply:
        if request.turn == 0 and _careful(request):
            return Reply(calls=(Call("to_miles", {"kilometres": 42.195}),))
        return Reply(text="26.22 mi" if request.turn else "It is 27 miles, I think.")

    application = Application(
        name="converter",
        folder=SHAPES / "converter",
        app="unit_server.agent",
        served="unit_server.serve:app",
        path="/invocations",
        body={"input": [{"role": "user", "content": "How long is a marathon?"}]},
        workflow="convert",
        step=1,
        prompt="Convert units.",
        prompts="unit-converter",
        expect="[{tool_called: {name: to_miles}}]",
        candidate="Convert units. Use a tool for EVERY number.",
        model_steps=1,
    )
    return Tried(
        application=application,
        requirements=Requirements(packages=DATABRICKS),
        answer=answer,
        python=python,
        edit=("unit_server/agent.py", '"Convert units."', '"Convert units. Use a tool for EVERY number."'),
        on_postgres=True,
    )


def _headlines() -> Tried:
    def answer(request: Received) -> Reply:
        if "Rate these" in request.instructions:
            return Reply(text='{"score": 7}')
        return Reply(text="Prices fell by 12%." if _careful(request) else "Much is going on.")

    application = Application(
        name="headlines",
        folder=SHAPES / "headlines",
        app="headlines.flows",
        served="headlines.web:app",
        path="/digests",
        body={"topic": "databases"},
        workflow="digest",
        step=7,
        prompt="Sum up what the press says.",
        prompts="write_up",
        expect='[{contains: "12%"}]',
        candidate="Sum up what the press says, with EVERY number.",
        model_steps=1,
    )
    return Tried(
        application=application,
        requirements=Requirements(packages=("fastapi>=0.121", "httpx>=0.27", "openai>=2")),
        answer=answer,
        web=lambda _visit: {"titles": ["A database is born", "A query is slow"]},
        edit=(
            "headlines/steps.py",
            '"Sum up what the press says."',
            '"Sum up what the press says, with EVERY number."',
        ),
    )


def _trips() -> Tried:
    def answer(request: Received) -> Reply:
        if request.api == "gemini":
            return Reply(text="The train takes 3 hours.")
        if "Plan the searches" in request.instructions:
            return Reply(calls=(Call("final_result", {"searches": ["train", "hotel"]}),))
        return Reply(text="Take the train: 3 hours." if _careful(request) else "Take a plane.")

    application = Application(
        name="trips",
        folder=SHAPES / "trips",
        app="trips",
        served="trips:app",
        path="/trips",
        body={"wish": "To the sea."},
        workflow="reporter.run",
        step=1,
        prompt="Report on the trip.",
        prompts="reporter",
        expect="[{contains: train}]",
        candidate="Report on the trip with EVERY detail.",
        model_steps=1,
    )
    return Tried(
        application=application,
        requirements=Requirements(packages=PYDANTIC_AI, overrides=OF_ITS_TIME),
        answer=answer,
        python="3.13",
        edit=("trips.py", '"Report on the trip."', '"Report on the trip with EVERY detail."'),
    )


def _complaints() -> Tried:
    def answer(request: Received) -> Reply:
        if "One word" in request.instructions:
            return Reply(text="refund")
        return Reply(text="You get your 80 back." if _careful(request) else "We are sorry.")

    application = Application(
        name="complaints",
        folder=SHAPES / "complaints",
        app="complaints.flow",
        served="complaints.web:app",
        path="/complaints",
        body={"text": "My lamp is broken."},
        workflow="handle_complaint",
        step=3,
        prompt="Answer the customer.",
        prompts="answer",
        expect='[{contains: "get your 80"}]',
        candidate="Answer the customer with EVERY amount.",
        model_steps=2,
    )
    return Tried(
        application=application,
        requirements=Requirements(packages=("langchain-openai>=1.0", "fastapi>=0.121")),
        answer=answer,
        edit=("complaints/flow.py", '"Answer the customer."', '"Answer the customer with EVERY amount."'),
    )


def _calculator(folder: Path, python: str) -> Tried:
    def answer(request: Received) -> Reply:
        calls = {0: Call("factorial", {"n": 4}), 1: Call("multiply", {"a": 8, "b": 24})}
        if request.turn in calls:
            return Reply(calls=(calls[request.turn],))
        if request.turn == 2 and _careful(request):
            return Reply(calls=(Call("add", {"a": 192, "b": 2}),))
        return Reply(text="8 * 4! + 2 = 200")

    application = Application(
        name="databricks-openai-agent",
        folder=folder / "databricks-openai-agent",
        app="agent_server.agent",
        served="agent_server.start_server:app",
        path="/invocations",
        body={"input": [{"role": "user", "content": "What is 8 * 4! + 2?"}]},
        workflow="run_agent",
        step=5,
        prompt="You are a calculator assistant.",
        prompts="calculator-assistant",
        expect="[{tool_called: {name: add}}]",
        candidate="Use tools for EVERY operation.",
        model_steps=3,
    )
    return Tried(
        application=application,
        requirements=Requirements(packages=DATABRICKS, overrides=DEMO),
        answer=answer,
        python=python,
        on_postgres=True,
    )


def _hacker_news(folder: Path) -> Tried:
    def answer(request: Received) -> Reply:
        said = request.instructions
        if "evaluation agent" in said:
            facts: Mapping[str, Any] = {
                "insights": [],
                "relevance_score": 7,
                "summary": "s",
                "key_points": [],
            }
            return Reply(text=json.dumps(facts))
        if "decision agent" in said:
            return Reply(text='{"should_continue": false}')
        return Reply(
            text=json.dumps({"report": "It is fast: 12 ms." if _careful(request) else "It is slow."})
        )

    def web(visit: Visit) -> Any:
        if "comment" in visit.query.get("tags", ""):
            return {"hits": [{"comment_text": "nice", "author": "bob"}]}
        story = {"title": "T", "url": "", "points": 5, "num_comments": 2, "author": "al", "objectID": "1"}
        return {"hits": [story]}

    application = Application(
        name="hacker-news-agent",
        folder=folder / "hacker-news-agent",
        app="hacker_news_agent.workflows",
        served="hacker_news_agent.main:app",
        path="/agents",
        body={"topic": "postgres"},
        workflow="agentic_research_workflow",
        step=6,
        prompt="You are a research analyst.",
        prompts="synthesize_findings_step",
        expect='[{contains: "12 ms"}]',
        candidate="Report EVERY number. Return only JSON.",
        model_steps=2,
    )
    return Tried(
        application=application,
        requirements=Requirements(file=application.folder / "pyproject.toml", overrides=DEMO),
        answer=answer,
        web=web,
    )


def _research(folder: Path) -> Tried:
    def answer(request: Received) -> Reply:
        if request.api == "gemini":
            return Reply(text="The moon is 384,400 km away.")
        if "design a plan" in request.instructions:
            step = {"search_terms": "moon"}
            plan = {"summary": "s", "web_search_steps": [step, step], "analysis_instructions": "report"}
            return Reply(calls=(Call("final_result", plan),))
        return Reply(text="It is 384,400 km." if _careful(request) else "It is near.")

    application = Application(
        name="pydantic-research-agent",
        folder=folder / "pydantic-research-agent",
        app="main",
        served="main:app",
        path="/agents",
        body={"query": "How far is the moon?"},
        workflow="analysis_agent.run",
        step=1,
        prompt="Analyze the research",
        prompts="analysis_agent",
        expect='[{contains: "384"}]',
        candidate="Report EVERY number.",
        model_steps=1,
    )
    return Tried(
        application=application,
        requirements=Requirements(
            file=application.folder / "pyproject.toml", overrides=(*DEMO, *OF_ITS_TIME)
        ),
        answer=answer,
        python="3.13",
    )
