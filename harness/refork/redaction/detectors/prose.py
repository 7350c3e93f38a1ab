"""Finds passwords and tokens in sentences: ``the password is hunter2``, ``log in with admin / S3cret!``."""

import re
from collections.abc import Iterator
from typing import Final

from refork.redaction.detectors.names import LONGER, PASSWORDS, SHORT, is_password, is_token, is_value
from refork.redaction.detectors.spans import PLACEHOLDER, TextSpan, words

_TOKENS: Final = (
    *(
        "api key",
        "api-key",
        "access key",
        "secret key",
        "private key",
        "license key",
        "token",
        "secret",
        "api-schlüssel",
    ),
    *("clé api", "clave de api", "clave api", "chave de api", "chiave api"),
)
_WORDS: Final = (*PASSWORDS, *SHORT, *_TOKENS)
_FOR: Final = r"(?:\s\([^()\n]{1,30}\))?(?:\s(?:you|we|i|that|which|du|des|der|zum|vom|della|dell|nella|for|of|to|on|at|von|für|от|для|de|del|do|da|di|pour|van|voor)(?:\s|')[^\n.:;,=]{1,40}?)?"
_IS: Final = (
    r"(?:\s-(?=\s)|\s{0,3}(?:=|:|：|->|→|—|–|は|是|为|為|はこちら：)|['’]s(?=\s)(?:\s{1,3}is(?=\s))?|(?:en|et)?\s{1,3}(?:is|was|are|be|(?:has|had)\sbeen|to|as|ist|lautet|war|est|es|era|é|è|"
    r"foi|är|je|jest|это|on|er|via|is:)(?=\s))(?:\s{1,3}(?:now|set|changed|reset|still|currently|jetzt|to|zu|still)){0,3}:?\s{0,3}"
)
_QUOTES: Final = "\"'`“”„«»「」‘’"
_SAID: Final = (
    rf"(?:\\?(?P<q>[{_QUOTES}])(?P<quoted>[^{_QUOTES}\s\\]{{4,100}})\\?[{_QUOTES}]|(?P<bare>[!-~]{{4,200}}))"
)
_AFTER: Final = re.compile(f"{_FOR}{_IS}{_SAID}")
_IN_BRACKETS: Final = re.compile(r"\s?(?P<quoted>(?!))?\((?P<bare>[!-~]{5,100})\)")
_BESIDE: Final = re.compile(rf"\s{{1,3}}{_SAID}")
_LEAD: Final = re.compile(
    r"\b(?:with|use|using|and|enter|try|type|mit|avec|con|com|met)(?:\s(?:the|this|a|my|her|his|their|new|old|default|"
    r"temporary|initial|same|dem|der|le|la|el|o|het)){0,3}\s$",
    re.IGNORECASE,
)
_AS: Final = re.compile(
    r"(?P<bare>[!-~]{6,100})\s(?:as|als|comme|como|come)\s(?:(?:the|a|my|your|das|le|la|el)\s)?$",
    re.IGNORECASE,
)
_AS_WORDS: Final = (" as ", " als ", " comme ", " como ", " come ")
_LOGIN: Final = re.compile(
    r"\b(?:log[- ]?in|sign[- ]?in|log[- ]?on|credentials?|creds|account|anmelden|zugangsdaten|basic auth|anmeldung|identifiants|"
    r"credenciales|credenciais|user(?:name)?)\b[^\n/,;]{0,24}?(?:\s|:|=)[\"'`]?(?P<user>[\w.@+-]{2,60})[\"'`]?\s{0,2}[/:|]\s{0,2}"
    r"[\"'`]?(?P<bare>[!-~]{4,100})",
    re.IGNORECASE,
)
_LOGINS: Final = ("log", "sign", "cred", "account", "anmeld", "zugang", "identif", "user", "basic auth")
_ENDS: Final = ".,;:)]}>\"'`\\"


def stated_secrets(text: str, lowered: str) -> Iterator[TextSpan]:
    """Every password and token that a sentence names."""
    end = 0
    for word in words(lowered, _WORDS):
        if word.start() < end or lowered[word.end() : word.end() + 1] in ("s", "_"):
            continue
        if lowered[word.start() - 1 : word.start()].isalnum():
            continue
        if word[0] in _TOKENS and lowered[word.start() - 1 : word.start()] in ("_", "-", ":", "."):
            continue  # the end of a name: next_page_token
        match = _AFTER.match(text, word.end()) or _beside(text, word) or _IN_BRACKETS.match(text, word.end())
        found = _before(text, word) if match is None else _secret_in(match, word[0])
        if found is not None:
            end = found.end
            yield found
    if any(each in lowered for each in _LOGINS):
        yield from _logins(text)


def _beside(text: str, word: re.Match[str]) -> re.Match[str] | None:
    """Match what follows a word for a password, if the words before it introduce one, as in ``with the password x``."""
    lead = "with " if word[0] == "pw" else text[max(0, word.start() - 60) : word.start()]
    return _BESIDE.match(text, word.end()) if _LEAD.search(lead) else None


def _before(text: str, word: re.Match[str]) -> TextSpan | None:
    """Match ``hunter2 as the password``."""
    if not any(each in text[max(0, word.start() - 12) : word.start()] for each in _AS_WORDS):
        return None
    start = max(0, word.start() - 120)
    match = _AS.search(text[start : word.start()])
    value = "" if match is None else _trimmed(match["bare"])
    if match is None or not is_password(value) or word[0] in _TOKENS:
        return None
    at = start + match.start("bare") + match["bare"].index(value)
    return TextSpan(at, at + len(value), "password", sure=False)


def _secret_in(match: re.Match[str], word: str) -> TextSpan | None:
    group = "quoted" if match["quoted"] is not None else "bare"
    value = _trimmed(match[group])
    if not _is_secret(value, word, quoted=group == "quoted") or PLACEHOLDER.search(value):
        return None
    start = match.start(group) + match[group].index(value)
    return TextSpan(start, start + len(value), "token" if word in _TOKENS else "password", sure=False)


def _is_secret(value: str, word: str, *, quoted: bool) -> bool:
    if word in _TOKENS:
        return is_token(value) and not any(c in value for c in "&?=(){}<>")
    if word in SHORT and len(value) < LONGER:
        return False
    return is_password(value) or (quoted and is_value(value))


def _trimmed(said: str) -> str:
    return said.rstrip(_ENDS).lstrip("([{<\"'`\\").rstrip("\\")


def _logins(text: str) -> Iterator[TextSpan]:
    for match in _LOGIN.finditer(text):
        value = _trimmed(match["bare"])
        if len(value) >= 6 and is_password(value) and not PLACEHOLDER.search(value):
            start = match.start("bare") + match["bare"].index(value)
            yield TextSpan(start, start + len(value), "password", sure=False)
