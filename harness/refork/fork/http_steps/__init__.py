"""Runs steps whose code calls a model over HTTP: their requests are answered from the cache, or sent and cached."""

from refork.fork.http_steps.exchanges import Exchanges
from refork.fork.http_steps.in_place import in_place
from refork.fork.http_steps.making import Kind, Making
from refork.fork.http_steps.sending import checkpoint_fields, is_own, known, sent_by

__all__ = [
    "Exchanges",
    "Kind",
    "Making",
    "checkpoint_fields",
    "in_place",
    "is_own",
    "known",
    "sent_by",
]
