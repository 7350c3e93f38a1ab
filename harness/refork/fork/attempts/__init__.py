"""Attempts at a model call: limited in time, spaced as the server requests, with the reason for each failure."""

from refork.fork.attempts.bounded import Ended, within
from refork.fork.attempts.problems import blocked, not_sent, trial_error
from refork.fork.attempts.retrying import Account, attempted
from refork.fork.attempts.sdk_watch import SdkWatch

__all__ = [
    "Account",
    "Ended",
    "SdkWatch",
    "attempted",
    "blocked",
    "not_sent",
    "trial_error",
    "within",
]
