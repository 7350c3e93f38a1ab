"""Pages of a recorded run that holds a text in every place that can hold one."""

from datetime import UTC, datetime, timedelta

from refork.records import Answer, RecordedError, Request, Run, Step, StepKind, Tool, ToolCall
from refork.records.usage import Usage
from refork_reports.views.run_pages.run_page import render

HOSTILE = "<script>window.owned = 1</script><img src=x onerror='owned=1'>\"'\x1b[2J\u202e</code></pre>"
BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)
CAPTURE = ("refork", "capture", "run 1; rm -rf")


def model_step(text: str) -> Step:
    return Step(
        number=1,
        name="_model_call_step",
        kind=StepKind.MODEL,
        agent=text,
        model="gpt-4o-mini",
        output=text,
        answer=Answer(text=text, tool_calls=(ToolCall(name=text, arguments=text),)),
        usage=Usage(calls=1, input_tokens=1000, output_tokens=100),
        request=Request(
            agent=text,
            model="gpt-4o-mini",
            prompt=text,
            input=[
                {"role": text, "content": text},
                {"type": "function_call", "name": text, "arguments": text},
            ],
            tools=(Tool(name=text, description=text, parameters={text: text}),),
            settings={text: text},
        ),
        started_at=BEGAN,
        completed_at=BEGAN + timedelta(seconds=1),
    )


def run_of(text: str) -> Run:
    steps = (
        model_step(text),
        Step(
            number=2,
            name="find",
            kind=StepKind.TOOL,
            tool="find",
            arguments={"query": text},
            error=RecordedError(type="app.NotFound", message=text),
        ),
        Step(number=3, name="DBOS.sleep", output=text),
        Step(number=4, name="audit", output={text: [text]}),
    )
    error = RecordedError(type="UserError", message=f"wrapped: {text}")
    return Run(
        id=text, workflow=text, status="ERROR", args=(text,), kwargs={text: text}, error=error, steps=steps
    )


def page(text: str = "hello", capture: tuple[str, ...] = CAPTURE) -> str:
    run = run_of(text)
    return render(run, run.steps, missing=text, capture=capture)
