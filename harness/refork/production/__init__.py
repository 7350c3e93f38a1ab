"""All that production code may call. Importing it imports nothing but the standard library."""

from refork.production.flags import flag
from refork.production.prompts import configure, prompt
from refork.production.reported_usage import record_usage

__all__ = ["configure", "flag", "prompt", "record_usage"]
