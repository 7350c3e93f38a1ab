"""Finds personal data, which is replaced only if ``--redact`` names its kind."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final

from refork.redaction.detectors.spans import Pattern

_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_PHONE: Final = re.compile(
    r"(?<![\w.+-])(?:\+\d{1,3}[\s.-]?(?:\(\d{1,4}\)[\s.-]?)?\d{1,4}(?:[\s.-]?\d{2,5}){1,5}"
    r"|\(\d{3}\)\s?\d{3}[\s.-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-])"
)
_CARD: Final = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")
_DIGITS: Final = tuple("0123456789")


def is_card(text: str) -> bool:
    """Return whether the digits of ``text`` pass Luhn's check, as payment card numbers do."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if index % 2 == 0 else sum(divmod(2 * d, 10)) for index, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Return whether ``text`` passes the check of ISO 13616."""
    plain = text.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def is_phone(text: str) -> bool:
    return 8 <= sum(map(str.isdigit, text)) <= 15


def is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # 0.0.0.0, 127.0.0.1 and :: are nobody's, and often the version of something.
    return not (address.is_unspecified or address.is_loopback)


KINDS: Final[Mapping[str, tuple[Pattern, ...]]] = {
    "emails": (Pattern(kind="email", regex=_EMAIL, needles=("@",)),),
    "phones": (Pattern(kind="phone", regex=_PHONE, needles=_DIGITS, accepts=is_phone),),
    "cards": (Pattern(kind="card", regex=_CARD, needles=_DIGITS, accepts=is_card),),
    "ips": (
        Pattern(kind="ip", regex=_IPV4, needles=_DIGITS, accepts=is_ip),
        Pattern(kind="ip", regex=_IPV6, needles=("::", ":"), accepts=is_ip),
    ),
    "ibans": (Pattern(kind="iban", regex=_IBAN, needles=_DIGITS, accepts=is_iban),),
}
"""The values of ``--redact``, each with the patterns that find it."""
