"""Trials that end alike, for a reason that no further draw can change, are not tried over and over."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from refork.records.outcome import ErrorKind, Trial, TrialError

ENOUGH: Final = 3
"""How many trials must end alike, as no further draw can change, before the rest of them are given up."""
MANY: Final = 10
"""How many must be errors that are alike, whatever they are: a server that is down, a proxy that sends pages."""
_NEVER: Final = frozenset({ErrorKind.APPLICATION, ErrorKind.ANSWER_MISSING})
"""What is measured, and what costs nothing to find out."""
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
        alike = "" if error is None or error.own or error.kind in _NEVER else _alike(error)
        if ended.number == 0:
            ended.alike = alike
        ended.number += 1
        if alike != ended.alike:
            ended.alike = ""
        ended.error = error if ended.alike else None

    def hopeless(self, variant: str) -> TrialError | None:
        """The error of a trial that is not tried any more; None where it is worth trying."""
        ended = self._variants.get(variant)
        if ended is None or ended.error is None:
            return None
        enough = ENOUGH if ended.error.kind.is_final else MANY
        if ended.number < enough:
            return None
        if ended.error.message.startswith(("not asked", "not tried")):  # said already
            return ended.error
        message = f"not tried: the {enough} trials before it ended alike: {ended.error.message}"
        return replace(ended.error, message=message)


def _alike(error: TrialError) -> str:
    if error.kind is ErrorKind.ACCOUNT:  # told by the first, and by those that were not asked any more
        return error.kind
    return f"{error.kind}:{error.type}:{_NUMBER.sub('#', error.message.rpartition('ended alike: ')[2])}"
