"""Recognises names whose values are secret, and values that are not secret despite such a name."""

import base64
import binascii
import re
from enum import IntEnum
from functools import lru_cache
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMA: Final = re.compile(r"\s*,\s*")
PASSWORDS: Final = tuple(
    _COMMA.split(
        """
    password, passwd, passphrase, passcode, passwort, kennwort, contraseña, contrasena, senha, mot de passe, motdepasse,
    wachtwoord, hasło, haslo, пароль, 密码, 密碼, 口令, パスワード, 비밀번호, lösenord, losenord, adgangskode, salasana,
    heslo, jelszó, şifre, sifre, parola
    """.strip()
    )
)
"""Words for a password, in lower case. To find another language's word, add it."""
SHORT: Final = ("pass", "pwd", "pw", "psw", "mdp", "clave")
"""Words for a password that also mean other things."""
LONGER: Final = 7
"""Characters of a password after one of these: ``Pass: B2204`` is none."""

_KEYED: Final = _words(
    """
    access account admin api app appid application auth client consumer data deploy encrypt encryption hmac host
    ingest ingestion integration jwt license licence master priv private root secret security server service
    shared sign signing ssh storage subscription team tls webhook write goog x functions session
    """
)
"""Words before ``key`` that make it a secret one."""
_VENDORS: Final = _words(
    """
    openai anthropic cohere mistral groq gemini google huggingface hf azure aws gcp databricks datadog dd
    newrelic sentry honeycomb grafana langsmith langfuse logfire wandb arize posthog stripe twilio sendgrid
    mailgun slack github gitlab cloudflare fastly vercel netlify heroku okta algolia pinecone tavily serper exa
    """
)
_PUBLIC_KEYS: Final = _words(
    """
    public pub publishable primary foreign partition sort cache idempotency object s3 row dedup deduplication
    routing index lookup group hash map dict unique range translation message event join shard redis registry
    request answer feature flag issue project natural surrogate composite order item entity record state any hot
    short arrow enter escape return legend menu label context prompt i18n locale field column file folder
    host_public
    """
)
_PUBLIC_TOKENS: Final = _words(
    """
    page next prev previous continuation sync pad eos bos unk sep cls mask max min cancel cancellation stop
    special total start end input output first last image audio next_page delta skip cursor num per
    """
)
_QUALIFIERS: Final = _words(
    """
    value string text plain plaintext raw b64 base64 prod production dev staging test old new current primary
    secondary default temp tmp override main live data base key keys token
    """
)
_FUSED: Final = (
    "apikey",
    "appkey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "signingkey",
    "masterkey",
)
_FUSED_TOKENS: Final = (
    "accesstoken",
    "authtoken",
    "apitoken",
    "refreshtoken",
    "sessiontoken",
    "bearertoken",
    "idtoken",
)
_OTHERS: Final = _words(
    """
    credential credentials creds authorization pat connectionstring connstr connstring sastoken
    """
)
_PAIRS: Final = frozenset(
    {("connection", "string"), ("conn", "string"), ("conn", "str"), ("honeycomb", "team")}
)
_NOTHING: Final = _words(
    """
    none null nil true false undefined string str text bytes int integer number boolean bool object array any
    type required optional redacted hidden masked changeme change_me password passwd secret token apikey api_key
    key value example unknown missing empty invalid incorrect wrong valid expired set unset blank weak strong
    short long correct default encrypted hashed plaintext plain placeholder replace_me todo tbd test testing
    dummy fake sample foobar your_password your_api_key your-api-key mypassword my_password yes no on off user
    username admin_password forgotten forgot reset changed updated stored case-sensitive pass passed failed void
    self this input prompt secretstr securestring varchar char field mandatory unchanged same different too not
    never always
    """
)
_INSTEAD: Final = (
    *(
        "$",
        "{{",
        "{%",
        "%(",
        "<",
        "[",
        "os.environ",
        "os.getenv",
        "env(",
        "env.",
        "process.env",
        "settings.",
        "config.",
    ),
    *(
        "var.",
        "local.",
        "secrets.",
        "data.",
        "ref+",
        "op://",
        "vault:",
        "!",
        "enc[",
        "arn:",
        "projects/",
        "getpass",
    ),
    *(
        "your-",
        "your_",
        "my-",
        "example-",
        "insert-",
        "enter-",
        "replace",
        "changeme",
        "sk-...",
        "xxx",
        "...",
        "•",
        "#{",
    ),
)
"""The beginnings, in lower case, of a text that stands for a secret stored elsewhere."""
_WELL_KNOWN: Final = re.compile(
    r"""(?:sha-?\d+|md5|base(?:32|58|64)(?:url)?|utf-?\d+\w*|ascii|bcrypt|scrypt|argon2\w*|pbkdf2\w*|[hrep]s(?:256|384|512)
    |oauth-?\d?\w*|aes-?\d+\S*|rsa-?\d+|ed25519|x509|x25519|pkcs\W?\d+|u?int\d+|float\d+|varchar\d*|utf8mb4|ipv[46]
    |min\d+\w*|max\d+\w*|v\d+\S*|s3|ec2|k8s|h2o|gpt-?\d\S*|scram-sha-256|openid\S*|ssh-?\d|tls\S*|http/?\d\S*)$""",
    re.VERBOSE | re.IGNORECASE,
)
_NO_PASSWORD: Final = re.compile(
    r"""(?:\d[\d.,:/%-]{0,11}[A-Za-z°%]{0,14}|[a-z]+\d?(?:_[a-z]+\d?)+|\d+(?:-[a-z]+)+|\d{4}-\d\d\S*|v?\d+(?:\.\d+)+\S*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\w+://\S*
    |[~.]{0,2}/\S*|(?:[A-Za-z_][A-Za-z_]*\d?\.)+[A-Za-z_][A-Za-z_]*\d{0,2}|\S*\(\S*|\S*\)\S+|[A-Za-z]:\\\S*|0x[0-9a-f]+|&\w+;\S*)$""",
    re.VERBOSE | re.IGNORECASE,
)
_IDENTIFIER: Final = re.compile(r"(?i:[a-z_]{0,20}(?:key|token|secret|cred)[a-z_]{0,20}\d{0,2})$")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[-. _/:]+")


class Secrecy(IntEnum):
    """The degree to which the value of a name is secret.

    The value of a ``TOKEN`` is secret if it is random, that of a ``KEY`` nearly always. That of a ``SHORT`` name
    is a password if it looks like one, because ``pass`` also means other things.
    """

    NONE = 0
    TOKEN = 1
    KEY = 2
    PASSWORD = 3
    SHORT = 4


@lru_cache(maxsize=4096)
def secrecy_of(name: str) -> Secrecy:
    """Return how secret the value of ``name`` is: that of ``db_password`` is a password, those of
    ``password_hint`` and ``secretary`` are not.
    """
    parts = [part.lower().rstrip("0123456789") or part for part in _CAMEL.split(name[:200]) if part]
    while len(parts) > 1 and parts[-1] in _QUALIFIERS and not _says(parts, name):
        parts.pop()
    return _says(parts, name) if parts else Secrecy.NONE


def _says(parts: list[str], name: str) -> Secrecy:
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    last = last[:-1] if last in ("keys", "passwords", "secrets", "pats") and before else last
    if last.endswith(PASSWORDS) or (last in SHORT and before):
        return Secrecy.PASSWORD
    if last == "key":
        return _of_key(before, name)
    if last.endswith((*_FUSED, *_FUSED_TOKENS, "secret")) or last in _OTHERS or (before, last) in _PAIRS:
        return Secrecy.KEY
    if last.endswith("token"):
        named = bool(before) or last != "token"
        return Secrecy.NONE if before in _PUBLIC_TOKENS else Secrecy.KEY if named else Secrecy.TOKEN
    if last in SHORT:
        return Secrecy.SHORT
    return Secrecy.TOKEN if last == "cookie" else Secrecy.NONE


def _of_key(before: str, name: str) -> Secrecy:
    if before in _KEYED or before in _VENDORS or before.endswith("api"):
        return Secrecy.KEY
    is_variable = name.isupper() and before and before not in _PUBLIC_KEYS
    return Secrecy.TOKEN if is_variable else Secrecy.NONE


def is_secret_name(name: str) -> bool:
    """Return whether the value of this name is secret."""
    return secrecy_of(name) > Secrecy.NONE


def is_value(text: str) -> bool:
    """Return whether ``text`` may be a secret where one is expected, and is not a placeholder."""
    lowered = text.lower()
    return (
        4 <= len(text) <= 4000
        and lowered.strip("*.-_ ,:;!?") not in _NOTHING
        and not lowered.startswith(_INSTEAD)
        and any(map(str.isalnum, text))
        and (len(text) < 6 or len(set(lowered)) > 2)
    )


def is_random(text: str) -> bool:
    """Return whether ``text`` is so unlike a word that it is the same secret wherever it occurs."""
    if len(text) < 8 or any(map(str.isspace, text)):
        return False
    kinds = {"a" if c.isalpha() else "0" if c.isdigit() else "-" for c in text}
    return len(kinds) > 1 and "a" in kinds and not text.replace("-", "").replace("_", "").isalpha()


def _is_odd(text: str) -> bool:
    return any(map(str.isdigit, text)) or (text != text.lower() and text != text.upper())


def is_token(text: str) -> bool:
    """Return whether ``text`` is as random as a token: long, with digits, and not a path, an address or a readable
    id.
    """
    return (
        len(text) >= 16
        and is_value(text)
        and any(map(str.isdigit, text))
        and sum(map(str.isalpha, text)) >= 2
        and len(set(text)) >= 6
        and not _NO_PASSWORD.match(text)
        and not _WELL_KNOWN.match(text)
        and not any(map(str.isspace, text))
    )


def is_password(text: str) -> bool:
    """Return whether a word without quotes is a password, because prose and code also put other words after
    ``password``.
    """
    if not 5 <= len(text) <= 200 or not is_value(text) or _NO_PASSWORD.match(text) or _WELL_KNOWN.match(text):
        return False
    letters = any(map(str.isalpha, text))
    inner = text.rstrip("!?.,;:")
    return letters and (
        any(map(str.isdigit, text))
        or any(c in "!@#$%^&*?+~" for c in inner)
        or inner.count("-") >= 3
        or text.endswith("=")
    )


def is_quoted(text: str) -> bool:
    """Return whether quoted text after such a name is a secret. A sentence is not."""
    return is_value(text) and (" " not in text.strip() or is_random(text.replace(" ", "")))


def is_credentials(text: str) -> bool:
    """Return whether ``text`` is Base64 of a name and a password."""
    try:
        name, colon, password = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return (
        bool(colon and password) and (name + password).isascii() and (name + password).decode().isprintable()
    )


def holds(secrecy: Secrecy, text: str, *, quoted: bool) -> bool:
    """Return whether ``text`` is a secret after a name of this secrecy."""
    if secrecy is Secrecy.PASSWORD:
        return is_quoted(text) if quoted else is_password(text)
    if secrecy is Secrecy.KEY:
        is_named = not _is_odd(text) or (not quoted and _IDENTIFIER.match(text) is not None)
        return (
            is_random(text)
            and is_value(text)
            and not is_named
            and not _NO_PASSWORD.match(text)
            and not _WELL_KNOWN.match(text)
        )
    if secrecy is Secrecy.SHORT:
        return len(text) >= LONGER and is_password(text)
    return secrecy is Secrecy.TOKEN and is_token(text)
