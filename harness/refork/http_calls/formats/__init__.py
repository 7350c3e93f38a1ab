"""The wire formats of models' APIs, one module each, recognised by a request's path and body, never by its host."""

from refork.http_calls.formats.registry import PATHS, format_of, with_model
from refork.http_calls.formats.wire_format import Reading, WireFormat

__all__ = ["PATHS", "Reading", "WireFormat", "format_of", "with_model"]
