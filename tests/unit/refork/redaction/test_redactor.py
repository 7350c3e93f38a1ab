"""What is taken out of a run before it is written, and what only looks as if it had to be."""

import base64
import hashlib
import json
import random
import uuid
from typing import Any

import pytest
from refork.errors import ApplicationError, BadInputError
from refork.redaction import Redactor, checked_kinds
from refork.values import decode, encode

DICE = random.Random(7)
HEX = hashlib.sha256(b"an id").hexdigest()
KEY = "AKIAIOSFODNN7EXAMPLE"
MIXED = "aB3dE5fG7hI9jK1lM3nO5pQ7"


def noise(size: int) -> str:
    return base64.b64encode(DICE.randbytes(size)).decode()


def redacted(value: Any, **options: Any) -> Any:
    redactor = Redactor(**options)
    encoded = encode(value)
    redactor.scan(encoded)
    return redactor.apply(encoded, 1)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (f"signed by {KEY}", KEY),
        ({KEY: "as a key of a dict"}, KEY),
        ((KEY, 3), KEY),
        ("mysql://root:hunter22@db/x", "hunter22"),
        ("redis://:p4ssw0rd99@cache:6379/0", "p4ssw0rd99"),
        ("Driver={x};UID=sa;PWD=Tr0ub4dor&3;", "Tr0ub4dor&3"),
        ("Server=x;Password=lowercase;", "=lowercase"),
        (
            f"AccountName=a;AccountKey={base64.b64encode(bytes(range(64))).decode()};",
            base64.b64encode(bytes(range(64))).decode(),
        ),
        (f"ghp_{MIXED}{MIXED[:12]}", MIXED),
        (f"sk-proj-{MIXED}{MIXED}", MIXED),
        (f"sk-ant-api03-{MIXED}{MIXED}", MIXED),
        (f"sk_live_{MIXED}", MIXED),
        (f"xoxb-123456789012-123456789012-{MIXED}", MIXED),
        (f"AIza{MIXED}{MIXED[:11]}", MIXED),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEabcd\n-----END RSA PRIVATE KEY-----", "MIIEabcd"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4", "SflKxwRJSMeKKF2QT4"),
        ({"password": "correct horse battery"}, "correct horse"),
        ({"headers": {"Authorization": "Bearer abcDEF123456ghiJKL7890"}}, "abcDEF123456"),
        ("the api_key='abc123def456' is wrong", "abc123def456"),
        ("DATABASE_PASSWORD=sup3rS3cret!", "sup3rS3cret!"),
        (json.dumps({"a": json.dumps({"password": "hunter2222"})}), "hunter2222"),
    ],
)
def test_a_secret_is_replaced_wherever_it_stands(value: Any, secret: str) -> None:
    assert secret not in json.dumps(redacted(value))
    assert "<secret:" in json.dumps(redacted(value))


@pytest.mark.parametrize(
    "value",
    [
        "order 4111-2210-99, SKU AC-1234567890, ORD-2026-000123",
        str(uuid.UUID(int=DICE.getrandbits(128))),
        HEX,
        f"commit {HEX[:40]} by Bob",
        {"etag": f'"{HEX[:40]}"', "trace": f"00-{HEX[:32]}-{HEX[:16]}-01"},
        {"id": f"msg_{HEX}", "call_id": f"call_{MIXED}", "response_id": f"resp_{HEX}"},
        {"idempotency_key": HEX[:32], "cache_key": "user:42:profile", "sort_key": "created_at_desc_9"},
        {"next_page_token": "CAUQAA", "cursor": "eyJvZmZzZXQiOjEwMH0=", "max_tokens": "4096"},
        {"password_hint": "name of the dog", "secretary": "Ann Miller", "password": "required"},
        {"properties": {"password": {"type": "string", "description": "The password of the user"}}},
        f"data:image/png;base64,{noise(300)}",
        f"data:image/png;base64,{noise(6000)}",
        {"encrypted_content": f"gAAAAAB{noise(3000)}"},
        "Please reset my password: it is required. The secret key to success: perseverance.",
        "SELECT key, password_hash FROM users WHERE token = ? AND key = 'region'",
        "password = os.environ['DB_PASSWORD']; api_key = settings.api_key",
        "A bearer of good news; basic understanding-of-things",
        "https://example.com/path?id=123&page=2",
    ],
)
def test_text_that_only_looks_like_a_secret_stays(value: Any) -> None:
    assert redacted(value) == encode(value)


def test_the_same_secret_has_the_same_name_in_every_value_of_a_case_and_another_one_another() -> None:
    redactor = Redactor()
    values = [f"first {KEY}", {"error": f"{KEY} or AKIAIOSFODNN7EXAMPLF"}]
    for value in values:
        redactor.scan(value)
    assert [redactor.apply(value, number) for number, value in enumerate(values)] == [
        "first <secret:aws-key:1>",
        {"error": "<secret:aws-key:1> or <secret:aws-key:2>"},
    ]


def test_a_password_that_a_later_step_gives_away_is_replaced_in_the_earlier_ones_too() -> None:
    redactor = Redactor()
    for value in ("login with hunter2-and-3", {"password": "hunter2-and-3"}):
        redactor.scan(value)
    assert redactor.apply("login with hunter2-and-3", 1) == "login with <secret:password:1>"


def test_redacting_again_changes_nothing() -> None:
    once = redacted({"password": "hunter2-and-3", "dsn": f"postgresql://a:hunter2-and-3@db/{KEY}"})
    redactor = Redactor()
    redactor.scan(once)
    assert redactor.apply(once, 1) == once
    assert redactor.replaced == []


def test_types_and_structure_stay() -> None:
    value = {"when": (1, b"password=hunter2222"), "n": 4111111111111111}
    found = decode(redacted(value))
    assert found["when"][0] == 1
    assert found["when"][1] == b"password=<secret:password:1>"
    assert found["n"] == value["n"]


def test_replacements_are_counted_by_kind_and_step_without_the_secret() -> None:
    redactor = Redactor()
    for value in (KEY, [KEY, "mysql://root:hunter22@db/x"]):
        redactor.scan(value)
    redactor.apply(KEY, 3)
    redactor.apply([KEY, "mysql://root:hunter22@db/x"], None)
    found = {each.kind: (len(each.values), each.places, each.steps) for each in redactor.replaced}
    assert found == {"aws-key": (1, 2, {3, None}), "password": (1, 1, {None})}
    assert KEY not in repr(redactor.replaced)


def test_personal_data_is_replaced_only_where_its_kind_is_asked_for() -> None:
    text = "Bob, bob@example.com, +1 415 555 2671, 4111 1111 1111 1111, 10.1.2.3, order 20261123"
    assert redacted(text) == text
    assert redacted(text, kinds=("emails", "cards")) == (
        "Bob, <email:1>, +1 415 555 2671, <card:1>, 10.1.2.3, order 20261123"
    )
    assert redacted(text, kinds=("phones", "ips")) == (
        "Bob, bob@example.com, <phone:1>, 4111 1111 1111 1111, <ip:1>, order 20261123"
    )


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInputError, match=r"'phone' is not a kind.*'phones'.*ibans"):
        checked_kinds("emails,phone")


def fails(text: str) -> str:
    raise ZeroDivisionError(text)


@pytest.mark.parametrize(("function", "said"), [(len, "gave int"), (fails, "ZeroDivisionError")])
def test_a_function_that_fails_or_gives_no_text_is_named(function: Any, said: str) -> None:
    with pytest.raises(ApplicationError, match=said):
        redacted("text", function=function)
