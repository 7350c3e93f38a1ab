"""Reads the data that travels with a page, as its script does."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any


def page_data(page: str) -> dict[str, Any]:
    found = re.search(r'<template id="data">([A-Za-z0-9+/=]+)</template>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1])))
    return data


def trial_texts(page: str) -> str:
    """All that the page says of its trials, in one line: each group's output once, and the scores of each trial."""
    data = page_data(page)
    texts = [text.replace("\x00", "") for text in data["strings"]]
    places = (place for cell in data["cells"].values() for place in _places(cell["groups"]))
    return " ".join(" ".join(texts[place] for place in places).split())


def _places(found: Any) -> Iterator[int]:
    if isinstance(found, dict):
        for name, value in found.items():
            yield from () if name == "number" else _places(value)
    elif isinstance(found, list):
        for each in found:
            yield from _places(each)
    elif isinstance(found, int) and not isinstance(found, bool):
        yield found
