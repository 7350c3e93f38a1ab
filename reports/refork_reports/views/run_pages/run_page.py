"""Shows a recorded run as a page: its timeline, every step in full, and the command that captures each."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup
from refork.case_capture.case_writer import runs_a_function
from refork.case_capture.failures import broken_step
from refork.records import Answer, Request, Run, Step, StepKind, Tool
from refork.records.prices import project_price
from refork.records.usage import cost
from refork.text.escape import OUTPUT_LIMIT, first_line
from refork.text.numbers import plural
from refork.values.shown import untagged
from refork.version import __version__

from refork_reports.page_templates import RUN, asset, environment, page_script, policy
from refork_reports.sentences.spending import price_source
from refork_reports.sentences.steps import call_line, compact, pretty
from refork_reports.views.run_pages.step_marks import StepMarks
from refork_reports.views.run_pages.step_rows import Fold, step_rows
from refork_reports.views.run_pages.timeline import Moment, TimeSpan, moment_of

KEPT: Final = 4 * OUTPUT_LIMIT
"""Characters of a text that are kept until the page shortens it, because the steps of a run may not fit into
memory.
"""
_FAILED: Final = frozenset({"ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
_MESSAGES_SHOWN: Final = 6


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message of a request: its role, its text, and tool calls as their names with arguments."""

    role: str
    text: str
    code: bool = False


@dataclass(frozen=True, kw_only=True)
class SentRequest:
    """The request to the model. ``earlier`` messages are collapsed."""

    prompt: str | None
    earlier: tuple[Message, ...]
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    settings: tuple[tuple[str, str], ...]
    output_schema: str


@dataclass(frozen=True, kw_only=True)
class StepView:
    """A step in its place, without its long values. ``output`` is empty if there is an answer or an error.

    ``command`` is empty where a step can be no fork point; ``acts`` says that a rerun of it does. ``broken`` says that
    an error ended the run here, or that an expectation is broken. ``calls`` are a line for each tool call of an answer
    that made several.
    """

    moment: Moment
    anchor: str
    arguments: str
    output: str
    sent: SentRequest | None
    cost_usd: Decimal | None
    command: str
    acts: bool
    failed: bool
    broken: bool
    writes: bool
    calls: tuple[str, ...]

    @property
    def step(self) -> Step:
        return self.moment.step


@dataclass(frozen=True, kw_only=True)
class TimelineRow:
    """A row of the timeline: one step, or several that are folded under a ``title``."""

    steps: tuple[StepView, ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """The page's contents. ``cost_usd`` is None if one model has no price, or no model was called.

    ``prices`` says where prices come from that no list has.
    """

    run: Run
    tone: str
    said: str
    steps: tuple[StepView, ...]
    timeline: tuple[TimelineRow, ...]
    failing: StepView | None
    reasons: tuple[tuple[int | None, str], ...]
    input: tuple[tuple[str, str], ...]
    output: str
    cost_usd: Decimal | None
    unpriced: tuple[str, ...]
    prices: str
    missing: str | None
    command: str
    redacted: bool
    version: str


def render(
    run: Run,
    steps: Iterable[Step],
    *,
    missing: str | None,
    capture: Sequence[str],
    marks: StepMarks | None = None,
) -> str:
    """Return the page as text, without a reference to anything outside it. ``steps`` are iterated once; ``capture``
    are the words of the command that captures the run.
    """
    style = asset("report.css") + asset("run.css")
    script = page_script(RUN)
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            page=view(run, steps, missing=missing, capture=capture, marks=marks or StepMarks()),
            policy=policy(style, script),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
        )
    )


def view(
    run: Run, steps: Iterable[Step], *, missing: str | None, capture: Sequence[str], marks: StepMarks
) -> RunView:
    """Prepare what the page shows. ``run`` may contain outlines of its steps instead of the steps."""
    span = TimeSpan.of(run.steps)
    broken = broken_step(run)
    views = tuple(
        _step(step, span, capture, marks, failed=broken is not None and step.number == broken.number)
        for step in steps
    )
    priced = [found for found in views if found.step.usage is not None]
    costs = [found.cost_usd for found in priced]
    known = [amount for amount in costs if amount is not None]
    return RunView(
        run=run,
        tone=_tone(run),
        said=_said(run),
        steps=views,
        timeline=tuple(_timeline(run, views, marks)),
        reasons=marks.reasons,
        failing=next((found for found in views if found.failed), None),
        input=tuple(_arguments(run)),
        output=shortened(run.output),
        cost_usd=sum(known, Decimal(0)) if costs and len(known) == len(costs) else None,
        unpriced=tuple(
            {found.step.model: None for found in priced if found.cost_usd is None and found.step.model}
        ),
        prices=_price_source(found.step.model for found in priced),
        missing=missing,
        command=shlex.join(capture),
        redacted="--no-redact" not in capture,
        version=__version__,
    )


def _price_source(models: Iterable[str | None]) -> str:
    prices = {model: price for model in models if model and (price := project_price(model)) is not None}
    return price_source(prices, [model for model, price in prices.items() if price.example])


def shortened(value: Any) -> str:
    """Return a recorded value as text. A placeholder explains itself, and the middle of a long text is cut out."""
    if value is None:
        return ""
    text = pretty(untagged(value))
    return text if len(text) <= KEPT else f"{text[: KEPT // 2]}\n…\n{text[-KEPT // 2 :]}"


def _timeline(run: Run, views: Sequence[StepView], marks: StepMarks) -> Iterator[TimelineRow]:
    by_number = {found.step.number: found for found in views}
    for row in step_rows(run, shown=marks.numbers | {found.step.number for found in views if found.failed}):
        steps = row.steps if isinstance(row, Fold) else (row,)
        title = _fold_title(row) if isinstance(row, Fold) else ""
        yield TimelineRow(steps=tuple(by_number[step.number] for step in steps), title=title)


def _fold_title(fold: Fold) -> str:
    if fold.kind == "repeated":
        return f"the same {plural(fold.rounds, 'more time')}"
    names = dict.fromkeys(step.name for step in fold.steps)
    return f"{plural(len(fold.steps), 'step')} of DBOS's own: {', '.join(names)}"


def _step(step: Step, span: TimeSpan, capture: Sequence[str], marks: StepMarks, *, failed: bool) -> StepView:
    light = replace(step, arguments=None, output=None, request=None, answer=_answer(step.answer))
    shown = moment_of(step, span)
    return StepView(
        moment=replace(shown, step=light),
        anchor=f"step-{step.number}",
        arguments=shortened(step.arguments),
        output="" if step.answer is not None or step.error is not None else shortened(step.output),
        sent=None if step.request is None else _sent(step.request),
        cost_usd=None if step.usage is None else cost(step.usage, step.model),
        command=shlex.join([*capture, "--step", str(step.number)]) if runs_a_function(step) else "",
        acts=step.kind is not StepKind.MODEL,
        failed=failed,
        broken=failed or step.number in marks.broken,
        writes=step.number in marks.writes,
        calls=tuple(_parallel_calls(step)),
    )


def _parallel_calls(step: Step) -> Iterator[str]:
    if step.error is None and step.answer is not None and len(step.answer.tool_calls) > 1:
        yield from (first_line(call_line(call)) for call in step.answer.tool_calls)


def _answer(answer: Answer | None) -> Answer | None:
    if answer is None:
        return None
    calls = tuple(replace(call, arguments=shortened(call.arguments)) for call in answer.tool_calls)
    return Answer(text=shortened(answer.text), tool_calls=calls)


def _sent(request: Request) -> SentRequest:
    given = request.input if isinstance(request.input, list) else [request.input]
    messages = [_message(message) for message in given if message is not None]
    return SentRequest(
        prompt=None if request.prompt is None else shortened(request.prompt),
        earlier=tuple(messages[:-_MESSAGES_SHOWN]),
        messages=tuple(messages[-_MESSAGES_SHOWN:]),
        tools=request.tools,
        settings=tuple(
            (name, value if isinstance(value, str) else compact(value))
            for name, value in sorted(request.settings.items())
        ),
        output_schema="" if request.output_schema is None else pretty(request.output_schema),
    )


def _message(message: Any) -> Message:
    """Return a message of a framework with its role and text; the JSON of anything else."""
    if not isinstance(message, dict):
        return Message(role="user", text=shortened(message))
    if message.get("type") == "function_call":
        arguments = message.get("arguments")
        return Message(role="assistant calls", text=f"{message.get('name')}({arguments})", code=True)
    if message.get("type") == "function_call_output":
        return Message(role="tool", text=shortened(message.get("output")))
    text = _content(message.get("content"))
    role = str(message.get("role") or message.get("type") or "message")
    return Message(role=role, text=shortened(message if text is None else text), code=text is None)


def _content(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) and content else [None]
    texts = [part.get("text") if isinstance(part, dict) else None for part in parts]
    return "".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else None


def _arguments(run: Run) -> Iterable[tuple[str, str]]:
    yield from ((f"argument {index}", shortened(value)) for index, value in enumerate(run.args, 1))
    yield from ((name, shortened(value)) for name, value in run.kwargs.items())


def _tone(run: Run) -> str:
    """Return the verdict whose colour and icon fit the run's status."""
    if run.status in _FAILED or run.error is not None:
        return "fail"
    return {"SUCCESS": "pass", "CANCELLED": "stale"}.get(run.status, "inconclusive")


def _said(run: Run) -> str:
    if run.status in _FAILED or run.error is not None:
        return "Failed"
    said = {"SUCCESS": "Succeeded", "CANCELLED": "Cancelled", "PENDING": "In progress"}
    return said.get(run.status, run.status.replace("_", " ").capitalize())
