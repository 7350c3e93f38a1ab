"""Combines a project's configuration with what a caller requested into the settings of an evaluation."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from refork.config import Config

from refork_evals.gate import Baseline, Leniency
from refork_evals.plans.planning import Defaults


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that a caller requested.

    ``trials`` is set if it overrides the cases' own; ``candidates`` if only these are to be tried. ``gate`` is the
    baseline to compare with; ``update`` says how a new baseline is written (``replace`` or ``merge``).
    """

    project: Config
    trials: int | Literal["auto"] | None = None
    candidates: frozenset[str] | None = None
    gate: "GateSettings | None" = None
    update: str | None = None

    @property
    def defaults(self) -> Defaults:
        """The project's settings of the same names; ``confirm`` also depends on the gate and on the cache."""
        project = self.project
        same: dict[str, Any] = {each.name: getattr(project, each.name) for each in fields(Defaults)}
        confirms = self.gate is not None and project.confirm == "yes" and project.answers != "offline"
        return Defaults(**{**same, "confirm": confirms})


@dataclass(frozen=True, kw_only=True)
class GateSettings:
    """The settings of the gate. ``source`` says where the baseline came from, ``notes`` what a reviewer should know
    of it.
    """

    baseline: Baseline
    source: str
    lenient: Leniency
    notes: tuple[str, ...] = ()
