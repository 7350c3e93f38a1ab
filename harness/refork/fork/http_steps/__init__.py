"""Steps whose code asks a model over HTTP: their requests are answered from what is kept, or sent and kept."""

from refork.fork.http_steps.exchanges import Exchanges
from refork.fork.http_steps.in_place import in_place
from refork.fork.http_steps.making import Kind, Making
from refork.fork.http_steps.sending import is_own, known, sent_by, told

__all__ = ["Exchanges", "Kind", "Making", "in_place", "is_own", "known", "sent_by", "told"]
