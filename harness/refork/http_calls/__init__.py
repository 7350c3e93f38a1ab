"""Intercepts the HTTP requests of a step's code in the process, where its client sends them.

``clients/`` has a module for each HTTP library, ``formats/`` one for each wire format of a model's API, and
``guards/`` intercepts every other connection. All of them call the :class:`Watch` of the calling code, if it has
one.
"""

from refork.http_calls.patches import patched, watching
from refork.http_calls.running import in_thread
from refork.http_calls.watch import Watch, carry, is_beside, passing, watch_here
from refork.http_calls.wire import OutgoingRequest, Received

__all__ = [
    "OutgoingRequest",
    "Received",
    "Watch",
    "carry",
    "in_thread",
    "is_beside",
    "passing",
    "patched",
    "watch_here",
    "watching",
]
