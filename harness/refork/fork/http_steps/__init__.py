"""Steps whose code asks a model over HTTP: their requests are answered from what is kept, or sent and kept."""

from refork.fork.http_steps.exchanges import Exchanges, Kind, Making
from refork.fork.http_steps.running import is_own, known, sent_by, told

__all__ = ["Exchanges", "Kind", "Making", "is_own", "known", "sent_by", "told"]
