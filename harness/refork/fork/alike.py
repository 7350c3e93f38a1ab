"""Trials that end alike, for a reason that no further draw can change, are not tried over and over."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from refork.outcome import Trial, TrialError

ENOUGH: Final = 3
"""How many trials must end alike before the rest of them are given up."""
_NUMBER: Final = re.compile(r"\d+")


@dataclass(kw_only=True)
class _Ended:
    number: int = 0
    alike: str = ""
    error: TrialError | None = None


@dataclass
class EndedAlike:
    """Looks at the trials of a case as they end. A variant of which a single one was measured is never given up."""

    _variants: dict[str, _Ended] = field(default_factory=dict[str, _Ended])

    def note(self, trial: Trial) -> None:
        """A trial has ended."""
        ended = self._variants.setdefault(trial.variant, _Ended())
        error = trial.error
        alike = "" if error is None or not error.kind.is_final else _alike(error)
        if ended.number == 0 and alike:
            ended.alike, ended.error = alike, error
        ended.number += 1
        if alike != ended.alike:
            ended.error = None

    def hopeless(self, variant: str) -> TrialError | None:
        """The error of a trial that is not tried any more; None where it is worth trying."""
        ended = self._variants.get(variant)
        if ended is None or ended.error is None or ended.number < ENOUGH:
            return None
        if ended.error.message.startswith("not asked"):  # said already
            return ended.error
        message = f"not tried: the {ENOUGH} trials before it ended alike: {ended.error.message}"
        return replace(ended.error, message=message)


def _alike(error: TrialError) -> str:
    return f"{error.kind}:{error.type}:{_NUMBER.sub('#', error.message.rpartition('ended alike: ')[2])}"
