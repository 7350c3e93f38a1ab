"""Shows the request to the model under each variant, and how a candidate's differs from that of ``current``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from refork.records import Request
from refork.records.variant import CURRENT, prompt_folder
from refork.text.escape import clipped
from refork_evals.results import CaseResult, Cell

from refork_reports.sentences.steps import compact, pretty
from refork_reports.views.diffs import Piece, marked

LONGEST_PROMPT: Final = 50_000
"""Characters of a prompt up to which the page shows it whole and marks what differs."""

_OFFERED: Final = ("tools offered", "output schema", "input")


@dataclass(frozen=True, kw_only=True)
class PromptPair:
    """The prompt of ``current`` next to a candidate's, in pieces. ``file`` is the candidate's file. ``long`` prompts
    are shortened and not compared.
    """

    variant: str
    file: str
    fixes: bool
    same: bool
    long: bool
    spaces_only: bool
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class RequestValue:
    """A value of one variant's request. ``differs``: from current's."""

    text: str
    differs: bool


@dataclass(frozen=True, kw_only=True)
class RequestRow:
    name: str
    values: tuple[RequestValue, ...]


@dataclass(frozen=True, kw_only=True)
class RequestTable:
    """Requests as a table, a column for each variant. ``input`` and ``tools`` are the first one's."""

    variants: tuple[str, ...]
    rows: tuple[RequestRow, ...]
    input: str
    tools: str


def variant_file(agent: str | None, variant: str) -> str:
    return f"evals/prompts/{prompt_folder(agent or '')}/{variant}.md"


def prompt_of(result: CaseResult) -> str | None:
    """Return the prompt as the code has it, if the fork came far enough to see it."""
    cell = result.cell(CURRENT)
    replayed = result.outcome.requests.get(CURRENT) if result.outcome else None
    sent_now = (cell.request if cell else None) or replayed
    return sent_now.prompt if sent_now else None


def prompt_pairs(result: CaseResult) -> tuple[PromptPair, ...]:
    baseline = prompt_of(result)
    if baseline is None:
        return ()
    return tuple(
        _pair(result, cell, baseline, cell.request.prompt or "")
        for cell in result.cells
        if cell.variant != CURRENT and cell.request
    )


def _pair(result: CaseResult, cell: Cell, baseline: str, prompt: str) -> PromptPair:
    long = max(len(baseline), len(prompt)) > LONGEST_PROMPT
    before, after = _shortened(baseline, prompt) if long else marked(baseline, prompt)
    return PromptPair(
        variant=cell.variant,
        file=variant_file(result.case.agent, cell.variant),
        fixes=cell.fixes,
        same=baseline == prompt,
        long=long,
        spaces_only=not long and all(piece.mark == "same" for piece in before + after),
        before=before,
        after=after,
    )


def _shortened(*prompts: str) -> tuple[tuple[Piece, ...], ...]:
    """Shorten prompts that are too long to be compared on a page: each alone, without its middle."""
    parts = [clipped(prompt, LONGEST_PROMPT) for prompt in prompts]
    return tuple(
        (Piece(mark="same", text=f"{head}\n…\n{tail}" if tail else head),) for head, tail, _ in parts
    )


def request_table(result: CaseResult) -> RequestTable | None:
    requests = [(cell.variant, cell.request) for cell in result.cells if cell.request]
    if not requests:
        return None
    first = requests[0][1]
    tables = [_values(request) for _, request in requests]
    settings = sorted({name for _, request in requests for name in request.settings})
    names = ["model", *settings, *_OFFERED]
    return RequestTable(
        variants=tuple(variant for variant, _ in requests),
        rows=tuple(_row(name, [table.get(name) for table in tables]) for name in names),
        input=pretty(first.input),
        tools=pretty([vars(tool) for tool in first.tools]) if first.tools else "",
    )


def _values(request: Request) -> dict[str, Any]:
    tools = {tool.name: [tool.description, tool.parameters] for tool in request.tools}
    offered = dict(zip(_OFFERED, (tools, request.output_schema, request.input), strict=True))
    return {**request.settings, "model": request.model, **offered}


def _row(name: str, values: Sequence[Any]) -> RequestRow:
    texts = [_text(name, value) for value in values]
    return RequestRow(
        name=name,
        values=tuple(
            RequestValue(text=text, differs=value != values[0])
            for text, value in zip(texts, values, strict=True)
        ),
    )


def _text(name: str, value: Any) -> str:
    if name == "tools offered":
        return ", ".join(value or ()) or "none"
    if name == "input" and isinstance(value, list):
        return f"{len(value)} message{'' if len(value) == 1 else 's'}"
    if value is None:
        return "not set"
    return value if isinstance(value, str) else compact(value)
