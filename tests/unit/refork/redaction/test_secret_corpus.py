"""How many of many planted secrets are found, in many places, and that no innocent text is touched."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refork.redaction import Redactor
from refork.redaction.detectors.kinds import FORMS, INNER
from refork.redaction.detectors.protocols import PLACES
from refork.redaction.texts import without_secrets
from refork.values import encode
from support.secret_corpus import INNOCENT, WRITTEN, planted

BAR = 0.97


def captured(value: Any) -> str:
    """A value as ``refork capture`` writes it."""
    redactor = Redactor()
    encoded = encode(value)
    redactor.scan(encoded)
    return _flat(redactor.apply(encoded, 1))


def shown(value: Any) -> str:
    """A value as a session says it: in an error, a report, or a log."""
    return without_secrets(_flat(value))


def _flat(value: Any) -> str:
    """With the line breaks of JSON within JSON as they were: a secret is looked for as it was planted."""
    return json.dumps(value, ensure_ascii=False).replace("\\\\", "\\").replace("\\\\", "\\")


@pytest.mark.parametrize("way", [captured, shown])
def test_nearly_all_planted_secrets_are_found_and_no_kind_is_missed(way: Callable[[Any], str]) -> None:
    everything: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    places: list[str] = []
    for sample in planted("held out"):
        everything[sample.kind] += 1
        if sample.is_in(way(sample.value)):
            missed[sample.kind] += 1
            places.append(f"{sample.kind} ({sample.place})")
    assert len(everything) >= 100
    assert [kind for kind in missed if missed[kind] == everything[kind]] == []
    found = 1 - missed.total() / everything.total()
    assert found >= BAR, f"{found:.1%} of {everything.total()}, not {', '.join(places)}"


@pytest.mark.parametrize("way", [captured, shown])
def test_most_of_what_people_wrote_down_is_found(way: Callable[[Any], str]) -> None:
    missed = [value for value, secret in WRITTEN if secret in way(value)]
    assert len(WRITTEN) > 200
    assert len(missed) <= 0.08 * len(WRITTEN), missed


@pytest.mark.parametrize("value", INNOCENT)
def test_no_innocent_text_is_changed(value: Any) -> None:
    assert captured(value) == _flat(encode(value))
    assert shown(value) == _flat(value)


def test_the_page_says_how_many_there_are() -> None:
    samples = list(planted("held out"))
    said = f"Of {len(samples):,} planted secrets of {len({each.kind for each in samples})} kinds"
    page = " ".join((Path(__file__).parents[4] / "docs" / "cli.md").read_text("utf-8").split())
    assert said in page
    assert f"none of {len(INNOCENT)} innocent texts is changed" in page
    assert len({kind for kind, *_ in FORMS}) > 100


HOSTILE = (
    *("password=", "password: ", "password is ", "with the password ", "<password>", "--password ", "token "),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----! ",
        "://a:",
        "://a:b@",
        "ghp_",
        "sk-",
        "eyJ.eyJ",
    ),
    *(
        'variable "password" {',
        "curl -u ",
        "login ",
        "cookie: a=",
        "kind: Secret data:\n ",
        "auth('a',",
        "M.",
        "pat",
    ),
    *(
        "\\u00e9",
        "\\",
        '"password", ',
        "user / ",
        "dp.st.",
        "1:2:3:4:",
        "a.b.",
        "Basic ",
        "key value",
        "İpassword",
    ),
)


@pytest.mark.parametrize("word", HOSTILE)
def test_a_hostile_text_takes_no_longer_than_its_length(word: str) -> None:
    """Of 100,000 characters, a search that begins again at each takes minutes."""
    began = time.process_time()
    without_secrets(word * (100_000 // len(word)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("expression", [form for _, _, form, *_ in (*FORMS, *INNER, *PLACES)])
def test_every_repetition_has_a_limit(expression: str) -> None:
    assert not re.search(r"(?<!\\)[*+](?![^\[]*\])|\{\d+,\}", re.sub(r"\\.", "", expression))


def test_each_kind_is_one_line_of_one_table() -> None:
    """What follows its beginning is all that there is to a kind."""
    kind, beginning, rest = next(form for form in FORMS if form[0] == "groq-key")
    found = captured(f"with {beginning}{'aB3dE5' * 10} there")
    assert rest.startswith("[A-Za-z0-9]")
    assert f"<secret:{kind}:1>" in found
