"""The wire formats of models' APIs, one module each, recognised by a request's path and body, never by its host."""

from refork.http_calls.formats.protocol import Format, Reading
from refork.http_calls.formats.registry import PATHS, format_of, with_model

__all__ = ["PATHS", "Format", "Reading", "format_of", "with_model"]
