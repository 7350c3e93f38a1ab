"""Finds private keys in the armour of PEM, OpenSSH, PGP and PuTTY, also on one line and if the end is cut off."""

import re
from collections.abc import Iterator
from typing import Final

from refork.redaction.detectors.spans import TextSpan

_BEGIN: Final = re.compile(
    r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,3}(?:PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1) ?-{4,5}"
    r"|PuTTY-User-Key-File-\d"
)
_END: Final = re.compile(
    r"-{4,5} ?END (?:[A-Z0-9]{1,20} ){0,3}(?:PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1) ?-{4,5}"
    r"|Private-MAC: {0,3}[0-9a-f]{1,128}"
)
_BODY: Final = re.compile(r"[A-Za-z0-9+/=\\\s:,.-]*")


def private_keys(text: str, lowered: str) -> Iterator[TextSpan]:
    """Yield the span of each private key, from its first to its last line."""
    if "private key" not in lowered and "putty" not in lowered and "static key" not in lowered:
        return
    ends = _END.finditer(text)
    last = next(ends, None)
    at = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < at:
            continue
        while last is not None and last.start() < begin.end():
            last = next(ends, None)
        body = _BODY.match(text, begin.end())
        at = last.end() if last is not None else body.end() if body is not None else begin.end()
        yield TextSpan(begin.start(), at, "private-key")
