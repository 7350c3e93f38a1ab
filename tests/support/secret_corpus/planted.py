"""Each kind of secret in several places: in prose, JSON, URLs, headers, code, logs, and in JSON within JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeAlias

from support.secret_corpus.dice import filled
from support.secret_corpus.kinds import IN_CONTEXT, TOKENS

Half: TypeAlias = Literal["tuned", "held out"]
Place: TypeAlias = Callable[[str], Any]
_WINDOW: Final = 12
"""So many characters of a long secret may not stay."""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A value with a secret in it."""

    kind: str
    place: str
    value: Any
    secret: str

    def is_in(self, text: str) -> bool:
        """Whether a text gives the secret away, or a good part of it."""
        size = min(len(self.secret), _WINDOW)
        return any(self.secret[at : at + size] in text for at in range(len(self.secret) - size + 1))


def _escaped(text: str) -> Any:
    return json.dumps({"result": json.dumps({"output": [text]})})


_ANYWHERE: Final[Mapping[str, Place]] = {
    "alone": lambda text: text,
    "lines": lambda text: f"Tool output follows.\n{text}\nThat was all of it.",
    "json": lambda text: {"status": "ok", "body": text, "seconds": 3},
    "list": lambda text: ["first", text, "last"],
    "escaped": _escaped,
    "log": lambda text: f"2026-03-01 12:00:01,123 INFO shop.worker: {text}",
    "markdown": lambda text: f"Try this:\n\n```\n{text}\n```\n",
    "arguments": lambda text: {"arguments": json.dumps({"command": text})},
}
_TOKEN: Final[Mapping[str, Place]] = {
    "sentence": lambda text: f"request failed with {text}, giving up",
    "end": lambda text: f"The server said no to {text}.",
    "url": lambda text: f"https://shop.example/v1?page=2&t={text}",
    "header": lambda text: f"X-Thing: {text}\r\nAccept: */*",
    "code": lambda text: f'client = Client("{text}", timeout=3)',
    "yaml": lambda text: f"shop:\n  value: {text}\n  size: 3",
    "exception": lambda text: f"AuthError('invalid: {text}')",
    "path": lambda text: f"GET /bot/{text}/send HTTP/1.1",
}
_NO_PATH: Final = ("-----BEGIN", "https://", "FlyV1 ", "PuTTY")


def planted(half: Half) -> Iterator[Planted]:
    """One half of the corpus. The halves differ in values, and each place of a template is in one of them."""
    for kind, templates in TOKENS.items():
        for index, template in enumerate(templates):
            places = {**_ANYWHERE, **({} if template.startswith(_NO_PATH) else _TOKEN)}
            yield from _placed(kind, index, f"⟦{template}⟧", places, half)
    for kind, templates in IN_CONTEXT.items():
        for index, template in enumerate(templates):
            yield from _placed(kind, index, template, _ANYWHERE, half)


def _placed(
    kind: str, index: int, template: str, places: Mapping[str, Place], half: Half
) -> Iterator[Planted]:
    for number, (name, place) in enumerate(places.items()):
        if (number + index) % 2 == (half == "tuned"):
            dice = Random(f"{half} {kind} {index} {name}")
            before, _, rest = filled(template, dice).partition("⟦")
            secret, _, behind = rest.partition("⟧")
            yield Planted(
                kind=kind, place=name, value=place(f"{before}{secret}{behind}"), secret=_core(secret)
            )


def _core(secret: str) -> str:
    """What of a secret must not stay: the middle of a key in armour."""
    if secret.startswith("-----BEGIN"):
        return max(secret.replace("\\n", "\n").split("\n")[1:], key=len)
    if secret.startswith("https://"):
        return max(secret.replace("@", "/").split("/"), key=len)
    return max(secret.replace("\\n", "\n").split("\n"), key=len)
