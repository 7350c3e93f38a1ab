"""The wire formats of models' APIs, one file each, told by the path and the body of a request, never by its host."""

from refork.http_calls.formats.protocol import Format, Reading
from refork.http_calls.formats.registry import PATHS, format_of, with_model

__all__ = ["PATHS", "Format", "Reading", "format_of", "with_model"]
