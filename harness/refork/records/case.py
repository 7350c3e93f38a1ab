"""A case: a recorded run, its fork point, and what is expected there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from refork.records.run import Run, Step
from refork.records.variant import ChangedVariant


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run that becomes a test.

    ``step`` is the number of the fork point; ``agent`` names the folder of its prompts. ``expect`` is stored as
    written in the file, because only ``refork_evals`` knows scorers. ``variants`` limits the candidates, by name, and
    adds variants that change what went before; None means every file in ``evals/prompts/<agent>/``. ``tools`` and
    ``on_miss`` make the tool policy stricter (:mod:`refork.tool_policy`).
    """

    name: str
    folder: Path
    run: Run
    step: int
    agent: str | None = None
    scope: str = "step"
    guard: bool = False
    trials: int | Literal["auto"] | None = None
    min_trials: int | None = None
    max_trials: int | None = None
    smallest_drop: float | None = None
    min_pass_rate: float | None = None
    variants: tuple[str | ChangedVariant, ...] | None = None
    tools: Mapping[str, str] = field(default_factory=dict[str, str])
    on_miss: str | None = None
    expect: tuple[Mapping[str, Any], ...] = ()
    description: str = ""

    @property
    def fork_point(self) -> Step:
        step = self.run.step(self.step)
        assert step is not None, "a case is only built with a fork point that its run holds"
        return step
