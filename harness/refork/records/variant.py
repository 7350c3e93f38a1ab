"""The variants of a fork point: the code as it is, a candidate prompt, or something else that went before."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from refork.text.lines import one_line

CURRENT: Final = "current"
"""The variant that is the code as it is. The only one that affects the exit code."""

RECORDED: Final = "recorded"
"""The answer that production gave. It is scored, but never run."""

USER: Final = "user"
"""Names the last message of the user among ``messages``."""

RESERVED: Final = frozenset({CURRENT, RECORDED})
_SHOWN: Final = 60
"""The most characters of a changed value that a table shows."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A variant. ``template`` is None where it has no prompt; ``model`` and ``settings`` replace the code's own.

    ``tools`` are the names of the tools that are still offered to the model, or, each after a ``-``, of those that no
    longer are; None leaves all.

    ``line`` is the line of the file on which the template starts, after the front matter.

    ``tool_results`` and ``step_outputs`` say what steps before the fork point returned instead, by step number and as
    JSON. ``messages`` are other texts of messages of the user, by their position in the recorded input of the fork
    point, or ``"user"`` for the last one.
    """

    name: str
    path: Path | None = None
    template: str | None = None
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tools: tuple[str, ...] | None = None
    line: int = 1
    tool_results: Mapping[int, Any] = field(default_factory=dict[int, Any])
    step_outputs: Mapping[int, Any] = field(default_factory=dict[int, Any])
    messages: Mapping[int | str, str] = field(default_factory=dict[int | str, str])

    @property
    def changes_call(self) -> bool:
        """Return whether it changes the model call itself: its prompt, model, settings or tools."""
        return self.template is not None or bool(self.overrides)

    @property
    def overrides(self) -> tuple[str, ...]:
        """The names of what it changes of the model call beside the prompt: ``model``, settings, ``tools``."""
        model = () if self.model is None else ("model",)
        tools = () if self.tools is None else ("tools",)
        return (*model, *sorted(self.settings), *tools)

    @property
    def named_tools(self) -> tuple[str, ...]:
        """The names in ``tools``, without the ``-`` of those that are no longer offered."""
        return tuple(name.removeprefix("-") for name in self.tools or ())

    @property
    def removes_tools(self) -> bool:
        """Return whether ``tools`` are those that are no longer offered."""
        return bool(self.tools) and all(name.startswith("-") for name in self.tools or ())

    @property
    def changes_prefix(self) -> bool:
        """Return whether it changes what went before the fork point."""
        return bool(self.tool_results or self.step_outputs or self.messages)

    @property
    def prefix(self) -> str:
        """A key of its changes before the fork point, which variants with the same changes share; "" without any."""
        if not self.changes_prefix:
            return ""
        changed: list[Mapping[Any, Any]] = [{**self.tool_results, **self.step_outputs}, self.messages]
        pairs = [sorted((str(place), value) for place, value in each.items()) for each in changed]
        return json.dumps(pairs, sort_keys=True, default=str)

    @property
    def changes(self) -> str:
        """Its changes before the fork point in words, such as ``with step 5 = {"rows": []}``; "" without any."""
        steps = sorted({**self.tool_results, **self.step_outputs}.items())
        parts = [f"step {number} = {_shown(value)}" for number, value in steps]
        for place, text in self.messages.items():
            which = "the last message of the user" if place == USER else f"message {place}"
            parts.append(f"{which} = {_shown(text)}")
        return f"with {', '.join(parts)}" if parts else ""


@dataclass(frozen=True, kw_only=True)
class ChangedVariant:
    """A variant of a case's own that changes what went before. ``prompt`` names a candidate to try with it."""

    variant: Variant
    prompt: str | None = None

    @property
    def name(self) -> str:
        return self.variant.name

    def with_candidate(self, candidate: Variant) -> Variant:
        """The prompt, the model and the settings of ``candidate`` after what this variant changes."""
        own = self.variant
        return replace(
            candidate,
            name=own.name,
            tool_results=own.tool_results,
            step_outputs=own.step_outputs,
            messages=own.messages,
        )


def _shown(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False, default=str), _SHOWN)


def current() -> Variant:
    return Variant(name=CURRENT)


def prompt_folder(agent: str) -> str:
    """Return the folder of an agent's prompts under ``evals/prompts/``: ``Sales Analyst`` -> ``sales-analyst``."""
    return re.sub(r"[^\w.]+", "-", agent.strip().lower()).strip("-.") or "agent"


def names(variants: Iterable[Variant]) -> tuple[str, ...]:
    return tuple(variant.name for variant in variants)
