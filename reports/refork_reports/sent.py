"""What was sent to the model under each variant, and where a candidate's request differs from current's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from refork.case import Request
from refork.variant import CURRENT, prompt_folder
from refork_evals.results import CaseResult, Cell
from refork_reports.diffs import Piece, marked
from refork_reports.timeline import compact, pretty


@dataclass(frozen=True, kw_only=True)
class PromptPair:
    """``current``'s prompt beside a candidate's, in pieces. ``file`` is where the candidate's stands."""

    variant: str
    file: str
    fixes: bool
    same: bool
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class SentValue:
    """A value of one variant's request; ``differs`` from current's."""

    text: str
    differs: bool


@dataclass(frozen=True, kw_only=True)
class SentRow:
    name: str
    values: tuple[SentValue, ...]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Requests as a table, a column for each variant. ``input`` and ``tools`` are current's, as indented JSON."""

    variants: tuple[str, ...]
    rows: tuple[SentRow, ...]
    input: str
    tools: str


def variant_file(agent: str | None, variant: str) -> str:
    return f"evals/prompts/{prompt_folder(agent or '')}/{variant}.md"


def prompt_of(result: CaseResult) -> str | None:
    """The prompt as the code has it, where the fork came far enough to see it."""
    cell = result.cell(CURRENT)
    return cell.request.prompt if cell and cell.request else None


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
    before, after = marked(baseline, prompt)
    return PromptPair(
        variant=cell.variant,
        file=variant_file(result.case.agent, cell.variant),
        fixes=cell.variant in result.winners,
        same=baseline == prompt,
        before=before,
        after=after,
    )


def sent(result: CaseResult) -> Sent | None:
    requests = [(cell.variant, cell.request) for cell in result.cells if cell.request]
    if not requests:
        return None
    first = requests[0][1]
    tables = [_values(request) for _, request in requests]
    names = list(dict.fromkeys(name for table in tables for name in table))
    return Sent(
        variants=tuple(variant for variant, _ in requests),
        rows=tuple(_row(name, [table.get(name) for table in tables]) for name in names),
        input=pretty(first.input),
        tools=pretty([vars(tool) for tool in first.tools]) if first.tools else "",
    )


def _values(request: Request) -> dict[str, Any]:
    return {
        "model": request.model,
        **dict(sorted(request.settings.items())),
        "tools offered": {tool.name: [tool.description, tool.parameters] for tool in request.tools},
        "output schema": request.output_schema,
        "input": request.input,
    }


def _row(name: str, values: Sequence[Any]) -> SentRow:
    texts = [_text(name, value) for value in values]
    return SentRow(
        name=name,
        values=tuple(
            SentValue(text=text, differs=value != values[0]) for text, value in zip(texts, values, strict=True)
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
