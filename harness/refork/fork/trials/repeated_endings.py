"""Decides when to stop retrying a variant: when its trials all end with the same error."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from refork.records.outcome import ErrorKind, Trial, TrialError

ENOUGH: Final = 3
"""Trials with the same final error, which no further draw can change, after which the others are given up."""
MANY: Final = 10
"""Trials with the same error of any kind after which the others are given up, as when a server is down."""
_NEVER: Final = frozenset({ErrorKind.APPLICATION, ErrorKind.ANSWER_MISSING})
"""Errors after which no trial is given up: they are results, or cost nothing to find out."""
_NUMBER: Final = re.compile(r"\d+")


@dataclass(kw_only=True)
class _Ended:
    number: int = 0
    alike: str = ""
    error: TrialError | None = None


@dataclass
class EndedAlike:
    """Counts the trials of a case that ended alike. A variant with a single measured trial is never given up."""

    _variants: dict[str, _Ended] = field(default_factory=dict[str, _Ended])

    def note(self, trial: Trial) -> None:
        """Count a trial that has ended."""
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
        """Return the error for the next trial of a variant that is given up; None if the trial is to run."""
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
    if (
        error.kind is ErrorKind.ACCOUNT
    ):  # its message differs between the first trial and those that were not sent
        return error.kind
    return f"{error.kind}:{error.type}:{_NUMBER.sub('#', error.message.rpartition('ended alike: ')[2])}"
