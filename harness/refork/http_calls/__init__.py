"""The HTTP requests that a step's code makes, seen in process where its client sends them, and never by host.

``clients/`` has a file for each HTTP library, ``formats/`` one for each wire format of a model's API, ``guards/``
stands in front of every other connection. All ask the :class:`Watch` of the calling code, if it has one.
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
