"""What an evaluation is to do: a project's configuration, and what a caller asked for beside it."""

from dataclasses import dataclass
from typing import Literal

from refork.config import Config

from refork_evals.gate import Baseline, Leniency
from refork_evals.plans.planning import Defaults


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was asked for.

    ``trials`` is set where it outranks the cases' own; ``candidates`` where only these are to be tried. ``gate`` is
    the baseline to compare with, ``update`` how a new one is written (``replace`` or ``merge``).
    """

    project: Config
    trials: int | Literal["auto"] | None = None
    candidates: frozenset[str] | None = None
    gate: "GateSettings | None" = None
    update: str | None = None

    @property
    def defaults(self) -> Defaults:
        project = self.project
        return Defaults(
            trials=project.trials,
            min_trials=project.min_trials,
            max_trials=project.max_trials,
            smallest_drop=project.smallest_drop,
            min_pass_rate=project.min_pass_rate,
            alpha=project.alpha,
        )


@dataclass(frozen=True, kw_only=True)
class GateSettings:
    """``source`` says where the baseline came from, ``notes`` what a reviewer should know of it."""

    baseline: Baseline
    source: str
    lenient: Leniency
    notes: tuple[str, ...] = ()
