"""Finds secrets in URLs, headers, commands and files of known forms. To find them in another place, add a line."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from refork.redaction.detectors.names import is_credentials, is_password, is_random, is_token, is_value
from refork.redaction.detectors.spans import PLACEHOLDER, Pattern, TextSpan

_HOST: Final = r"(?=[\w.\[-])"


def _word(text: str) -> bool:
    return is_value(text) and not text.startswith(("-", "/"))


def _long(text: str) -> bool:
    return len(text) >= 20 and is_token(text)


def _basic(text: str) -> bool:
    return is_credentials(text) or is_token(text)


PLACES: Final[tuple[tuple[str, str, str, Callable[[str], bool]], ...]] = (
    # scheme://user:password@host, scheme://token@host
    ("password", "://", rf"://[^\s/?#@:'\"<>\\]{{0,200}}:([^\s/?#'\"<>\\]{{1,300}})@{_HOST}", _word),
    ("token", "://", rf"://([\w.~%+-]{{20,300}})(?::[^\s/?#@'\"]{{0,80}})?@{_HOST}", is_token),
    ("token", "/t/", r"/t/([\w-]{20,200})/", is_token),
    ("signature", "sig", r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature|Signature)=([A-Za-z0-9%+/=_-]{20,600})", is_random),
    ("signature", "signature=", r"\bSignature=([0-9a-f]{64})", is_random),
    ("token", "x-amz-security-token", r"X-Amz-Security-Token=([A-Za-z0-9%+/=_-]{20,3000})", is_random),
    # Authorization: <scheme> <token>
    ("token", "basic", r"\b(?i:basic)\s{1,4}([A-Za-z0-9+/_-]{6,2000}={0,2})", _basic),
    ("token", "bearer", r"\b(?i:bearer)\s{1,4}([A-Za-z0-9._~+/=-]{16,8000})", is_random),
    (
        "token",
        "authorization",
        r"(?i:authorization)[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}[\"'\\]{0,4}\w{2,20}\s{1,3}"
        r"(?:token=)?[\"'\\]{0,4}([A-Za-z0-9._~+/=-]{16,8000})",
        is_token,
    ),
    ("digest", "response=", r"\bresponse=[\"'\\]{1,4}([0-9a-f]{32,128})[\"'\\]", is_token),
    # Commands
    ("password", "curl", r"\bcurl\b[^\n|;]{0,300}?\s(?:-u|--user|-U|--proxy-user)[\s=]?\s?[\"']?[^\s:\"'$]{1,80}:([^\s\"'$][^\s\"']{2,200})", _word),
    ("password", "mysql", r"\bmysql(?:dump|admin)?\b[^\n|;]{0,100}?\s-p([^\s\"']{4,200})", is_password),
    ("password", "login", r"\blogin\b[^\n|;]{0,120}?\s-p\s{1,3}[\"']?([^\s\"']{4,200})", _word),
    ("password", "sshpass", r"\bsshpass\s{1,3}-p\s{0,3}[\"']?([^\s\"']{4,200})", _word),
    ("password", "redis-cli", r"\bredis-cli\b[^\n|;]{0,100}?\s-a\s{1,3}[\"']?([^\s\"']{4,200})", _word),
    ("password", "mongo", r"\bmongo(?:sh|dump|restore|import|export)?\b[^\n|;]{0,120}?\s-p\s{1,3}[\"']?([^\s\"']{4,200})", _word),
    ("password", "--auth", r"\s--auth[\s=][\"']?[^\s:\"'$]{1,80}:([^\s\"'$][^\s\"']{2,200})", _word),
    ("password", "--from-literal", r"--from-literal[=\s][\"']?[\w.-]{1,80}=([^\s\"'$][^\s\"']{3,400})", is_password),
    ("password", "sqlcmd", r"\bsqlcmd\b[^\n|;]{0,100}?\s-P\s{0,3}[\"']?([^\s\"']{4,200})", _word),
    ("password", "ldap", r"\bldap(?:search|add|modify|whoami)\b[^\n|;]{0,100}?\s-w\s{1,3}[\"']?([^\s\"']{4,200})", _word),
    # Files
    ("password", "login", r"\blogin\s{1,8}\S{1,100}\s{1,8}(?:account\s{1,8}\S{1,100}\s{1,8})?password\s{1,8}(\S{3,300})", is_value),
    ("password", ":", r"(?:^|[\s\"'])[\w.*-]{1,100}:(?:\d{4,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:([^\s\"':\\]{4,200})", is_password),
    ("password", "$apr1$", r"\$apr1\$[\w./]{1,8}\$([\w./]{22})", is_value),
    # Of a connection string nothing but the semicolon ends a value.
    ("password", "pwd", r"(?i:(?:^|;)\s{0,3}pwd)\s{0,3}=\s{0,3}([^;'\"\s{}]{4,400})(?=;)", is_value),
    ("password", "password", r"(?i:(?:^|;)\s{0,3}password)\s{0,3}=\s{0,3}([^;'\"\s{}]{4,400})(?=;)", is_value),
    ("azure-key", "accesskey=", r"\b(?i:Shared)AccessKey=([A-Za-z0-9+/]{20,200}={0,2})", is_random),
    ("azure-key", "accountkey=", r"\bAccountKey=([A-Za-z0-9+/]{20,200}={0,2})", is_random),
    # Code and SQL
    ("password", "password", r"(?i:\bpassword)\s{1,8}\\?'([^'\n]{4,200})'", is_value),
    ("password", "identified", r"(?i:\bidentified\s{1,8}by(?:\s{1,8}password)?)\s{1,8}\\?['\"]([^'\"\n]{4,200})['\"]", is_value),
    ("password", "auth", r"(?i:auth)\w{0,20}\s{0,3}[=(]\s{0,3}\(?\s{0,3}\\{0,3}[\"'][^\"'\n]{1,100}[\"']\s{0,3},\s{0,3}\\{0,3}[\"']([^\"'\n\\]{3,200})\\{0,3}[\"']", _word),
    ("token", "(", r"\b(?:\w{0,30}(?:Client|Api|API)|init|configure|login|authenticate)\(\s{0,8}(?:\\{0,3}[\"'][\w-]{1,80}\\{0,3}[\"'],\s{0,4})?\\{0,3}[\"']([A-Za-z0-9_-]{20,200})\\{0,3}[\"']", _long),
)  # fmt: skip
"""A kind, a text that must stand in a text in lower case, where the secret stands, and what it must look like."""

_COOKIES: Final = re.compile(r"\b(?i:(?:set-)?cookie)[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}([^\r\n]{1,8000})")
_COOKIE: Final = re.compile(r"[\w.-]{1,100}=([^\s;,\"'\\]{12,4000})")
_KIND: Final = re.compile(r"\bkind(?:\\{0,3}\")?\s{0,2}:\s{0,4}(?:\\{0,3}\")?Secret\b")
_ENTRY: Final = re.compile(r"(?:^|\n|\\n)[ \t]{1,12}[\w.-]{1,100}:[ \t]{0,4}[\"']?([^\s\"'\\]{4,8000})")
_BLOCK: Final = re.compile(r"\\{0,3}\"(?:stringData|data)\\{0,3}\"\s{0,4}:\s{0,4}\{([^{}]{1,8000})\}")
_PAIR: Final = re.compile(r"\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"([^\"\\]{4,8000})")
_DATA: Final = re.compile(r"\b(?:stringData|data):[ \t]{0,4}(?=\r?\n|\\n)")
_MANIFEST: Final = 8000


def patterns() -> Iterator[Pattern]:
    for kind, needle, where, accepts in PLACES:
        regex = re.compile(where, re.MULTILINE)
        yield Pattern(kind=kind, regex=regex, needles=(needle,), group=1, sure=False, accepts=accepts)


def cookies(text: str, lowered: str) -> Iterator[TextSpan]:
    """Yield the values of cookies in a header, because a session cookie is worth as much as a password."""
    if "cookie" not in lowered:
        return
    for header in _COOKIES.finditer(text):
        for cookie in _COOKIE.finditer(text, *header.span(1)):
            if is_random(cookie[1]) and is_value(cookie[1]) and not PLACEHOLDER.search(cookie[1]):
                yield TextSpan(*cookie.span(1), "cookie", sure=False)


def manifests(text: str, lowered: str) -> Iterator[TextSpan]:
    """Yield the entries of a Kubernetes Secret in YAML."""
    if "secret" not in lowered:
        return
    end = 0
    for kind in _KIND.finditer(text):
        if kind.start() < end:
            continue
        start, end = max(end, kind.start() - _MANIFEST), min(len(text), kind.end() + _MANIFEST)
        for block in _BLOCK.finditer(text, start, end):
            for pair in _PAIR.finditer(text, *block.span(1)):
                if is_value(pair[1]) and not PLACEHOLDER.search(pair[1]):
                    yield TextSpan(*pair.span(1), "password", sure=False)
        for block in _DATA.finditer(text, kind.end(), end):
            yield from _entries(text, block.end(), end)


def _entries(text: str, at: int, end: int) -> Iterator[TextSpan]:
    while (entry := _ENTRY.match(text, at, end)) is not None:
        if is_value(entry[1]) and not PLACEHOLDER.search(entry[1]):
            yield TextSpan(*entry.span(1), "password", sure=False)
        at = entry.end() + (text[entry.end() : entry.end() + 1] in ('"', "'"))
