"""Random texts by template: ``{h32}`` is 32 hexadecimal digits, ``{p}`` a password as people choose them."""

import base64
import re
import string
import uuid
from collections.abc import Callable, Mapping
from random import Random
from typing import Final
from urllib.parse import quote

ALPHABETS: Final[Mapping[str, str]] = {
    "A": string.ascii_letters + string.digits,
    "L": string.ascii_letters,
    "l": string.ascii_lowercase + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": string.digits,
    "w": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "q": "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper(),
}
"""What one letter of a template stands for."""
_FIELD: Final = re.compile(r"\{([a-zA-Z]+)(\d*)\}")
_WORDS: Final = (
    "hunter",
    "dragon",
    "Winter",
    "Summer",
    "Monkey",
    "tiger",
    "Falcon",
    "Porto",
    "orange",
    "Kaffee",
)
_ODD: Final = "!@#$%&*?+"


def filled(template: str, dice: Random) -> str:
    """The template with something random in each of its fields."""
    return _FIELD.sub(lambda field: _value(field[1], int(field[2] or 0), dice), template)


def _value(name: str, size: int, dice: Random) -> str:
    if name in _MADE:
        return _MADE[name](dice)
    return _mixed(ALPHABETS[name], size, dice)


def _mixed(alphabet: str, size: int, dice: Random) -> str:
    """At least one digit, and no end that is punctuation: what an issuer gives out is as random as that."""
    found = [dice.choice(alphabet) for _ in range(size)]
    digits = [each for each in alphabet if each.isdigit()]
    if digits and size > 2:
        found[size // 2] = dice.choice(digits)
    for place in (0, -1):
        if not found[place].isalnum():
            found[place] = dice.choice([each for each in alphabet if each.isalnum()])
    return "".join(found)


def _password(dice: Random) -> str:
    word = dice.choice(_WORDS)
    digits = str(dice.randrange(1, 9999))
    return dice.choice(
        (
            f"{word}{digits}",
            f"{word}{digits}!",
            f"{word}-{digits}-{dice.choice(_WORDS)}",
            f"{word.replace('o', '0').replace('e', '3')}{dice.choice('!*?+')}{digits}x",
            _mixed(ALPHABETS["A"], 16, dice),
            f"{_mixed(ALPHABETS['A'], 6, dice)}{dice.choice('!*+')}{_mixed(ALPHABETS['A'], 6, dice)}",
        )
    )


def _url_password(dice: Random) -> str:
    return re.sub(r"[^A-Za-z0-9._~!*-]", "x", _password(dice))


def _percent_encoded(dice: Random) -> str:
    return quote(f"{_password(dice)}{dice.choice(_ODD)}/{_mixed(ALPHABETS['A'], 4, dice)}@", safe="")


def _base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _web_part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _web_token(dice: Random) -> str:
    body = f'{{"sub":"{dice.randrange(10**9)}","name":"Ann"}}'
    head = _web_part('{"alg":"HS256","typ":"JWT"}')
    return f"{head}.{_web_part(body)}.{_mixed(ALPHABETS['w'], 43, dice)}"


def _lines(dice: Random) -> str:
    return "\n".join(_mixed(ALPHABETS["b"], 64, dice) for _ in range(5))


_MADE: Final[Mapping[str, Callable[[Random], str]]] = {
    "p": _password,
    "pu": _url_password,
    "pp": _percent_encoded,
    "uuid": lambda dice: str(uuid.UUID(int=dice.getrandbits(128), version=4)),
    "jwt": _web_token,
    "basic": lambda dice: _base64_of(f"bot:{_password(dice)}"),
    "bp": lambda dice: _base64_of(_password(dice)),
    "json": lambda dice: _web_part(f'{{"k":"{_mixed(ALPHABETS["A"], 32, dice)}","n":"ci","id":1}}'),
    "pem": _lines,
    "line": lambda dice: _lines(dice).replace("\n", "\\n"),
}
