"""The wire formats of models' APIs, one file each, told by the path and the body of a request, never by its host."""

from refork.http_calls.formats.registry import PATHS, format_of, with_model
from refork.http_calls.formats.wire_format import Reading, WireFormat

__all__ = ["PATHS", "Reading", "WireFormat", "format_of", "with_model"]
