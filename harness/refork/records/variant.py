"""The variants of a fork point: the code as it is, or a candidate prompt from a file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

CURRENT: Final = "current"
"""The variant that is the code as it is. The only one that affects the exit code."""

RECORDED: Final = "recorded"
"""The answer that production gave. It is scored, but never run."""

RESERVED: Final = frozenset({CURRENT, RECORDED})


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A variant. ``template`` is None for ``current``; ``model`` and ``settings`` replace the code's own.

    ``line`` is the line of the file on which the template starts, after the front matter.
    """

    name: str
    path: Path | None = None
    template: str | None = None
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    line: int = 1


def current() -> Variant:
    return Variant(name=CURRENT)


def prompt_folder(agent: str) -> str:
    """Return the folder of an agent's prompts under ``evals/prompts/``: ``Sales Analyst`` -> ``sales-analyst``."""
    return re.sub(r"[^\w.]+", "-", agent.strip().lower()).strip("-.") or "agent"


def names(variants: Iterable[Variant]) -> tuple[str, ...]:
    return tuple(variant.name for variant in variants)
