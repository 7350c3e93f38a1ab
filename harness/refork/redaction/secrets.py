"""Keys, tokens, passwords and private keys in a text.

The forms of tokens are those of detect-secrets, a maintained detector; its plugins' expressions are used on
texts in memory, without its files, its git and its verification, which would call the issuer. Its search for
high entropy is left out: the ids, hashes and images of a run are as random as keys are.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from refork.redaction.spans import Pattern, Span, all_of

_WORDS: Final = (
    r"(?:api|auth|service|account|db|database|priv|private|client|access|secret|encryption|signing)[_-]?key",
    r"(?:db|database|key)[_-]?pass",
    r"pass(?:word|wd|phrase)",
    r"pwd",
    r"secret",
    r"(?:access|auth|refresh|session|bearer|id|sas|api)[_-]?token",
    r"conn(?:ection)?[_-]?str(?:ing)?",
    r"authorization",
)
_ENDS: Final = r"(?:s|\d+|key|value|token|string)?"
_KEY: Final = re.compile(rf"(?:{'|'.join(_WORDS)}){_ENDS}(?P<rest>[_-]\w*)?$", re.IGNORECASE)
_ABOUT: Final = re.compile(
    r"[_-](?:names?|hints?|urls?|uris?|polic(?:y|ies)|fields?|types?|ids?|files?|paths?|questions?|labels?|"
    r"descriptions?|lengths?|at|counts?|required|resets?|strengths?|rotations?|expir\w*|version|env|var)$",
    re.IGNORECASE,
)
_NOTHING: Final = frozenset(
    (
        *(
            "none",
            "null",
            "nil",
            "true",
            "false",
            "undefined",
            "string",
            "str",
            "text",
            "required",
            "optional",
        ),
        *("redacted", "hidden", "masked", "changeme", "password", "secret", "token", "apikey", "api_key"),
        *("your_password", "your_api_key", "your-api-key", "example", "unknown"),
    )
)
_NEEDLES: Final = ("pass", "pwd", "secret", "key", "token", "conn", "authorization")
_GITLAB: Final = (
    *("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "gr1348941", "glcbt-", "glimt-", "glptt-"),
    *("glagent-", "gloas-"),
)
_NEAR: Final = (12, 460)
_PATH: Final = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+")
_ASSIGNED: Final = (
    rf"""(?:{"|".join(_WORDS)}){_ENDS}(?:[_-]\w{{1,30}})??\\?['"\]]{{0,2}}"""
    r"""\s{0,3}(?::=|=>|={1,3}|:)\s{0,3}"""
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\\\s:,-]*)"
    r"|PuTTY-User-Key-File-\d.*?Private-MAC: *[0-9a-f]+",
    re.DOTALL,
)


def secrets(text: str) -> Iterator[Span]:
    """Every secret that is found in ``text``. Spans may overlap."""
    if not _is_blob(text):
        yield from all_of(_patterns(), text)


def tokens(text: str) -> Iterator[Span]:
    """Those alone whose form gives them away, whatever stands around them."""
    return (span for span in secrets(text) if span.sure)


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is secret: ``db_password`` is, ``password_hint`` and ``secretary`` are not."""
    return _KEY.search(name) is not None and _ABOUT.search(name) is None


def is_value(text: str) -> bool:
    """Whether ``text`` may be a secret where a secret is expected, and not a word that stands in for one."""
    return (
        len(text) >= 4
        and text.lower().strip("*.-_ ") not in _NOTHING
        and not _templated(text)
        and any(map(str.isalnum, text))
    )


def is_random(text: str) -> bool:
    """Whether ``text`` is so little like a word that it is the same secret wherever it stands."""
    if len(text) < 8 or any(map(str.isspace, text)):
        return False
    kinds = {"a" if c.isalpha() else "0" if c.isdigit() else "-" for c in text}
    return len(kinds) > 1 and "a" in kinds and not text.replace("-", "").replace("_", "").isalpha()


def _is_blob(text: str) -> bool:
    """Base64 of a kilobyte or more: an image or an encrypted thought, in which a token would be chance."""
    return (
        len(text) > 1024 and re.fullmatch(r"(?:data:[^,]{0,100},)?[A-Za-z0-9+/_-]+={0,2}", text) is not None
    )


def _templated(text: str) -> bool:
    from detect_secrets.filters import heuristic  # noqa: PLC0415 - see _patterns

    return text.startswith(("$", "{{", "%(", "<", "os.environ", "env(")) or heuristic.is_templated_secret(
        text
    )


def _bare(text: str) -> bool:
    """Without quotes only what no prose and no code says: ``password: required`` and ``settings.key`` are none."""
    return is_value(text) and is_random(text) and _PATH.fullmatch(text) is None


@cache
def _patterns() -> tuple[Pattern, ...]:
    return (*_of_detect_secrets(), *_others(), *_assigned())


def _of_detect_secrets() -> Iterator[Pattern]:
    # Imported late: it brings an HTTP client, which takes a fifth of a second.
    from detect_secrets.plugins import (  # noqa: PLC0415
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        jwt,
        mailchimp,
        openai,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    aws_key, aws_secret = _expressions(aws.AWSKeyDetector)
    yield Pattern(kind="aws-key", regex=_whole(aws_key), needles=("a3t", "abia", "acca", "akia", "asia"))
    yield Pattern(kind="aws-secret", regex=aws_secret, needles=("aws",), group=1)
    for kind, plugin, needles in (
        ("discord-token", discord.DiscordBotTokenDetector, (".",)),
        ("github-token", github_token.GitHubTokenDetector, ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
        ("gitlab-token", gitlab_token.GitLabTokenDetector, _GITLAB),
        ("mailchimp-key", mailchimp.MailchimpDetector, ("-us",)),
        ("openai-key", openai.OpenAIDetector, ("t3blbkfj",)),
        ("pypi-token", pypi_token.PypiTokenDetector, ("pypi-",)),
        ("sendgrid-key", sendgrid.SendGridDetector, ("sg.",)),
        ("slack-token", slack.SlackDetector, ("xox", "hooks.slack")),
        ("square-secret", square_oauth.SquareOAuthDetector, ("sq0csp-",)),
        ("stripe-key", stripe.StripeDetector, ("k_live_",)),
        ("telegram-token", telegram_token.TelegramBotTokenDetector, (":",)),
        ("twilio-key", twilio.TwilioKeyDetector, ("ac", "sk")),
    ):
        for regex in _expressions(plugin):
            yield Pattern(
                kind=kind, regex=_whole(regex), needles=needles, near=(30, 70) if needles == (".",) else None
            )
    for regex in _expressions(azure_storage_key.AzureStorageKeyDetector):
        key = re.compile(rf"(?<=AccountKey=){regex.pattern.removeprefix('AccountKey=')}")
        yield Pattern(kind="azure-key", regex=key, needles=("accountkey=",))
    for regex in _expressions(basic_auth.BasicAuthDetector):
        yield Pattern(kind="password", regex=regex, needles=("://",), group=1, sure=False, accepts=is_value)
    # Its own expression ends before the signature.
    web_token = re.compile(r"\beyJ[A-Za-z0-9_=-]+\.eyJ[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_+/=-]*)?")
    valid = jwt.JwtTokenDetector.is_formally_valid
    yield Pattern(
        kind="jwt", regex=web_token, needles=("eyj",), accepts=lambda t: valid(".".join(t.split(".")[:2]))
    )


def _whole(regex: re.Pattern[str]) -> re.Pattern[str]:
    """The same form, but not as a part of a longer word: random text holds every short form somewhere."""
    return re.compile(rf"(?<![A-Za-z0-9])(?:{regex.pattern})(?![A-Za-z0-9])", regex.flags)


def _others() -> Iterator[Pattern]:
    """Forms that detect-secrets does not know."""
    forms = {
        "private-key": (_PRIVATE_KEY.pattern, ("private key", "putty-user-key")),
        "anthropic-key": (r"sk-ant-[A-Za-z0-9_-]{20,}", ("sk-ant-",)),
        "openai-key": (r"sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})", ("sk-",)),
        "google-key": (r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}", ("aiza", "gocspx-")),
        "databricks-token": (r"dapi[0-9a-f]{32}(?:-\d)?", ("dapi",)),
        "huggingface-token": (r"hf_[A-Za-z0-9]{30,}", ("hf_",)),
        "github-token": (r"github_pat_[A-Za-z0-9_]{22,}", ("github_pat_",)),
        "npm-token": (r"npm_[A-Za-z0-9]{36}", ("npm_",)),
        "groq-key": (r"gsk_[A-Za-z0-9]{40,}", ("gsk_",)),
        "stripe-key": (r"(?:[rs]k_(?:test|live)|whsec)_[A-Za-z0-9]{24,}", ("k_test_", "k_live_", "whsec_")),
        "slack-token": (r"xapp-\d-[A-Za-z0-9-]{20,}", ("xapp-",)),
    }
    for kind, (form, needles) in forms.items():
        regex = re.compile(rf"(?<![A-Za-z0-9])(?:{form})", re.DOTALL)
        yield Pattern(kind=kind, regex=regex, needles=needles)
    bearer = re.compile(r"\b(?:Bearer|Basic)\s+([A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)
    yield Pattern(
        kind="token", regex=bearer, needles=("bearer", "basic"), group=1, sure=False, accepts=is_random
    )
    signature = re.compile(r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=([A-Za-z0-9%+/=_-]{20,})")
    yield Pattern(kind="signature", regex=signature, needles=("sig=", "-signature="), group=1, sure=False)
    # Of a connection string nothing but the semicolon ends a value.
    keyword = re.compile(
        r"(?:^|;)\s{0,3}(?:pwd|password)\s{0,3}=\s{0,3}([^;'\"\s{}]{4,400})(?=;)", re.IGNORECASE
    )
    yield Pattern(
        kind="password", regex=keyword, needles=("pwd", "password"), group=1, sure=False, accepts=is_value
    )
    userinfo = re.compile(r"://[^\s:/@'\"]*:([^\s@/'\"]+)@[^\s@]")
    yield Pattern(kind="password", regex=userinfo, needles=("://",), group=1, sure=False, accepts=is_value)


def _expressions(detector: Any) -> Sequence[re.Pattern[str]]:
    """A detector's own, which its base declares as a property."""
    found: Sequence[re.Pattern[str]] = tuple(detector.denylist)
    return found


def _assigned() -> Iterator[Pattern]:
    """``password = "hunter2"`` in any notation."""
    # A quote within JSON within text stands behind a backslash.
    quoted = re.compile(rf"""{_ASSIGNED}(?P<q>\\?["'`])(?P<v>[^"'`\\\r\n]{{4,400}})(?P=q)""", re.IGNORECASE)
    bare = re.compile(rf"""{_ASSIGNED}([^\s,;'"`<>&|(){{}}\[\]\\]{{8,400}})""", re.IGNORECASE)
    yield Pattern(
        kind="password", regex=quoted, needles=_NEEDLES, group=2, sure=False, accepts=_quoted, near=_NEAR
    )
    yield Pattern(
        kind="password", regex=bare, needles=_NEEDLES, group=1, sure=False, accepts=_bare, near=_NEAR
    )


def _quoted(text: str) -> bool:
    return is_value(text) and (" " not in text.strip() or is_random(text.replace(" ", "")))
