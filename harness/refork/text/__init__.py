"""Text that people read: exceptions in one line, without secrets."""

from refork.text.exceptions import leaf, message_of, name_of, summary
from refork.text.secrets import without_secrets

__all__ = ["leaf", "message_of", "name_of", "summary", "without_secrets"]
