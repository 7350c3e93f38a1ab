"""Two agents in one durable workflow: the analyst queries and transforms, the summarizer writes."""

import os
from pathlib import Path

from agents import (
    Agent,
    FunctionToolResult,
    MaxTurnsExceeded,
    ModelSettings,
    RunContextWrapper,
    RunResult,
    ToolCallOutputItem,
    ToolsToFinalOutputResult,
    set_default_openai_api,
    set_tracing_disabled,
)
from dbos import DBOS
from dbos_openai_agents import DBOSRunner

from analyst.tools import ERROR, Rows, check_warehouse, growth, rank, run_sql, share

MODEL = os.environ.get("ANALYST_MODEL", "qwen2.5-coder-1.5b-instruct")
REPORTS = Path(os.environ.get("ANALYST_REPORTS", "published"))
PROMPTS = Path(__file__).parent / "prompts"
ATTEMPTS = 3

set_default_openai_api("chat_completions")
if "OPENAI_BASE_URL" in os.environ or "OPENAI_API_KEY" not in os.environ:
    # Traces go to OpenAI, whatever endpoint answers, and need a key of theirs.
    set_tracing_disabled(True)


class NoAnswerError(Exception):
    """No attempt at a query or a transformation worked."""


def prompt(agent: str) -> str:
    return (PROMPTS / f"{agent}.md").read_text(encoding="utf-8").strip()


def until_one_works(
    _: RunContextWrapper[Rows], results: list[FunctionToolResult]
) -> ToolsToFinalOutputResult:
    """The first result is the answer. An error goes back to the model, which tries again."""
    output = str(results[0].output)
    return ToolsToFinalOutputResult(is_final_output=not output.startswith(ERROR), final_output=output)


analyst = Agent[Rows](
    name="analyst",
    instructions=prompt("analyst"),
    model=MODEL,
    model_settings=ModelSettings(
        temperature=0.4, max_tokens=120, tool_choice="required", parallel_tool_calls=False
    ),
    tool_use_behavior=until_one_works,
    reset_tool_choice=False,
)
summarizer = Agent[None](
    name="summarizer",
    instructions=prompt("summarizer"),
    model=MODEL,
    model_settings=ModelSettings(temperature=0.4, max_tokens=120),
)


def tool_output(result: RunResult) -> str:
    """What the last tool returned. NoAnswerError if the model answered in words instead."""
    last = result.new_items[-1]
    if not isinstance(last, ToolCallOutputItem):
        raise NoAnswerError(f"words instead of a tool call: {result.final_output!r}")
    return str(last.output)


async def query(question: str) -> Rows:
    result = await DBOSRunner.run(analyst.clone(tools=[run_sql]), question, max_turns=ATTEMPTS)
    return Rows(csv=tool_output(result))


async def transform(question: str, rows: Rows) -> str:
    tools = analyst.clone(tools=[growth, rank, share])
    request = f"{question}\n\nThe query returned:\n{rows.csv}"
    result = await DBOSRunner.run(tools, request, context=rows, max_turns=ATTEMPTS)
    return tool_output(result)


async def summarize(question: str, analysis: str) -> str:
    result = await DBOSRunner.run(summarizer, f"Question: {question}\n\nAnalysis:\n{analysis}")
    return str(result.final_output)


@DBOS.step()
def publish(question: str, summary: str) -> str:
    """Put the summary where executives read it. Returns the page's name."""
    page = REPORTS / f"{DBOS.workflow_id}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"# {question}\n\n{summary}\n", encoding="utf-8")
    return page.name


@DBOS.workflow()
async def analyze(question: str) -> str:
    """Answer a question about sales with a summary for an executive."""
    check_warehouse()
    try:
        analysis = await transform(question, await query(question))
    except MaxTurnsExceeded:
        raise NoAnswerError(f"no attempt worked in {ATTEMPTS} turns: {question}") from None
    summary = await summarize(question, analysis)
    publish(question, summary)
    return summary
