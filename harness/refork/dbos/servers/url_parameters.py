"""Checks libpq's parameters in URLs, and hides passwords in URLs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from refork.dbos.servers.connection import PARAMETERS, SSL_MODES
from refork.errors import BadInputError
from refork.text.lines import nearest, one_line

SCHEMA: Final = "schema"


def checked(given: Mapping[str, Any], *, option: str, own: Sequence[str] = ()) -> dict[str, str]:
    """Return parameters of libpq and our ``own``, each known and given once. Raises BadInputError for another one."""
    known = PARAMETERS | set(own)
    for name, value in given.items():
        if name not in known:
            close = nearest(name, known)
            also = "".join(f"{one!r}, " for one in own)
            hint = close if "did you mean" in close else f"; accepted are {also}and the parameters of libpq"
            raise BadInputError(f"{option}: unknown parameter {one_line(name, 60)!r} in the URL{hint}")
        if isinstance(value, tuple):
            raise BadInputError(
                f"{option}: the parameter {name!r} is given twice in the URL: keep one of them"
            )
    mode = str(given.get("sslmode", SSL_MODES[0]))
    if mode not in SSL_MODES:
        raise BadInputError(
            f"{option}: sslmode={one_line(mode, 60)!r} is not a mode of libpq; accepted are {', '.join(SSL_MODES)}"
        )
    return {name: str(value) for name, value in given.items()}


def hidden(url: str) -> str:
    """Return a URL of unknown form without the part that may be a password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return one_line(re.sub(r"(?i)(\w*pass\w*\s*=\s*)('[^']*'|\S+)", r"\1***", url), 120)
    before, at, after = rest.rpartition("@")
    if at:
        user, colon, _ = before.partition(":")
        shown = f"{user}{colon and ':***'}@{after.partition('?')[0]}"
    else:
        # An address with a forgotten host reads as one with a strange port.
        shown = re.sub(r"^([^:/]*):(?!\d+(/|$)).*", r"\1:***", rest.partition("?")[0])
    return one_line(f"{scheme}://{shown}", 120)
