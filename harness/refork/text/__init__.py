"""Text that people read: exceptions in one line, without secrets."""

from refork.text.exceptions import leaf, message_of, name_of, summary, text_of
from refork.text.secrets import without_secrets

__all__ = ["leaf", "message_of", "name_of", "summary", "text_of", "without_secrets"]
