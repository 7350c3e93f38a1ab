"""Finds values whose name shows that they are secret: ``password = "hunter2"`` in any notation.

It goes over the text once, from one word of a name to the next, and looks at a limited part of the text around
each.
"""

import re
from collections.abc import Iterator
from typing import Final

from refork.redaction.detectors.names import (
    PASSWORDS,
    Secrecy,
    holds,
    is_credentials,
    is_password,
    is_token,
    is_value,
    secrecy_of,
)
from refork.redaction.detectors.spans import PLACEHOLDER, TextSpan, words

_WORDS: Final = (
    *PASSWORDS,
    *("pass", "pwd", "pw", "psw", "mdp", "clave", "secret", "token", "key", "credential", "creds", "cookie"),
    *("authorization", "string", "honeycomb-team", "pat", "auth", "appid"),
)
_BEFORE: Final = re.compile(r"[\w.-]{0,80}$")
_NAME: Final = r"[\w-]{0,40}"
_QUOTE: Final = r"""\\{0,3}["'`]"""
_VALUE: Final = (
    rf"""(?:(?P<q>{_QUOTE})(?P<quoted>(?:(?!(?P=q)|[\r\n]).){{1,2000}})(?P=q)"""
    r"""|(?P<bare>[^\s,;'"`<>&|(){}\[\]\\]{1,2000})(?![(\[]))"""
)
_EQUALS: Final = r"\s{0,20}(?::=|=>|={1,3}|:|：)\s{0,20}(?:[|>][+-]?\s{1,20})?"
_TAILS: Final = tuple(
    re.compile(rf"{_NAME}{between}{_VALUE}")
    for between in (
        rf"(?:{_QUOTE})?[\])]{{0,2}}(?:\s?:\s?\w{{1,20}}(?=\s=))?{_EQUALS}",
        # --password hunter2
        r"(?:(?<=[a-z])\s{1,4}(?=\S))",
        # {"name": "DB_PASSWORD", "value": "hunter2"}, also in YAML and XML
        rf"(?:{_QUOTE})?,?\s{{1,40}}(?:{_QUOTE})?[vV](?:alue|ALUE)(?:{_QUOTE})?{_EQUALS}",
        # variable "db_password" { default = "hunter2" }
        rf"(?:{_QUOTE})\s?\{{[^{{}}]{{0,400}}?\bdefault{_EQUALS}",
        # ("X-Api-Key", "hunter2")
        rf"{_QUOTE},\s{{0,4}}(?={_QUOTE})",
    )
)
_BARE_KEYS: Final = ("key", "appid")
_OF_API: Final = re.compile(
    r"(?:(?:api|auth|access|secret)\w{0,20}[\"']?\s{0,3}[:={]\s{1,20}"
    r"|user(?:name)?\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?[\w.@-]{1,60}\\?[\"']?,\s{0,8})\\?[\"']?$",
    re.IGNORECASE,
)
_LONG: Final = 20
_MAYBE: Final = re.compile(
    rf"{_NAME}(?:(?:{_QUOTE})?[\])]{{0,2}},?\s{{0,40}}[:=：>{{vV\\'\"`]|\s{{1,4}}[!-~]{{{_LONG}}}|(?<=[a-z])\s{{1,4}}\S{{4}})"
)
"""A quick check for what follows a name in all these notations, because most such words are in prose."""
_ELEMENT: Final = re.compile(r"[\w-]{0,40}>(?P<quoted>[^<>\r\n]{1,400})</")
_REST: Final = re.compile(_NAME)
_FLAG: Final = 1
"""The rest of a value after a space: of an option, or of a name before something random."""
_LISTED: Final = 4
"""The rest of a pair, which may also be a list of names."""


def assigned(text: str, lowered: str) -> Iterator[TextSpan]:
    """Every value of a name that is a secret's."""
    end = 0
    for word in words(lowered, _WORDS):
        if word.start() < end:
            continue
        found = _value_after(text, word.start(), word.end())
        if found is not None:
            end = found.end
            yield found


def _value_after(text: str, start: int, end: int) -> TextSpan | None:
    if _MAYBE.match(text, end) is None:
        return None
    before = text[max(0, start - 80) : start]
    own = _BEFORE.search(before)
    prefix = own[0] if own is not None else ""
    lead = before[: len(before) - len(prefix)]
    for number, tail in enumerate(_TAILS):
        match = tail.match(text, end)
        if match is None or (number == _FLAG and not (prefix.startswith("--") or _is_long(match))):
            continue
        name = prefix + text[start:end] + _rest_of_name(text, end)
        found = _secret_in(match, name.strip("-."), lead, listed=number == _LISTED)
        if found is not None:
            return found
    match = _ELEMENT.match(text, end) if lead.endswith("<") else None
    return _secret_in(match, prefix + text[start:end], lead) if match is not None else None


def _rest_of_name(text: str, end: int) -> str:
    match = _REST.match(text, end)
    return match[0] if match is not None else ""


def _is_long(match: re.Match[str]) -> bool:
    return match["bare"] is not None and len(match["bare"]) >= _LONG and is_token(match["bare"])


def _secret_in(match: re.Match[str], name: str, lead: str, *, listed: bool = False) -> TextSpan | None:
    group = "quoted" if match["quoted"] is not None else "bare"
    value = match[group]
    if PLACEHOLDER.search(value) or "://" in value:
        return None
    if not _is_secret(name, value, lead, quoted=group == "quoted" and not listed):
        return None
    return TextSpan(*match.span(group), "password", sure=False)


def _is_secret(name: str, value: str, lead: str, *, quoted: bool) -> bool:
    lowered = name.lower()
    if lowered in ("auth", "_auth"):
        return is_credentials(value) and is_value(value)
    if lowered in _BARE_KEYS:
        # Of a query, a call, or what is called an API, and of nothing else: most keys are of mappings.
        is_one = lead[-1:] in ("?", "&", "(") or _OF_API.search(lead) is not None
        return is_one and len(value) >= 20 and is_token(value)
    if lowered in ("secret", "token") and lead.endswith(":"):
        return False  # a part of a name: arn:aws:secretsmanager:eu-west-1:1:secret:shop
    secrecy = secrecy_of(name)
    if secrecy is Secrecy.PASSWORD and not quoted and len(value) >= 5 and name.isupper():
        return is_value(value) and (is_password(value) or value.isalpha())
    return holds(secrecy, value, quoted=quoted)
