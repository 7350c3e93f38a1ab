"""What clients, databases and the environment hold is looked for by its value, wherever it stands."""

import json
import os
from collections import UserDict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from refork.dbos.servers.url import server_at
from refork.fork.secret_filters.secret_filter import hidden_output, hidden_response
from refork.frameworks.openai_agents.clients import made_without_key
from refork.http_calls.wire import Received
from refork.redaction import Redactor
from refork.redaction.process_secrets import (
    forget,
    hidden,
    hiding,
    hiding_environment,
    hold,
    hold_headers,
    left_as_they_are,
)
from refork.storage.files import write_atomically

KEY = "k9-Lm2vXr7TqPz4"


@pytest.fixture(autouse=True)
def _forgotten() -> Generator[None]:
    yield
    forget()


def test_a_client_that_is_made_in_a_session_gives_its_key_away() -> None:
    with made_without_key():
        openai.OpenAI(api_key=KEY)
    assert hidden(f"refused {KEY}!") == "refused ***!"


def test_the_headers_of_a_request_and_the_password_of_a_database_do_too() -> None:
    hold_headers({"Authorization": f"Bearer {KEY}", "Accept": "application/json-7"})
    server_at("postgresql://app:s3cr3t-Pw-x@db/shop", option="--db")
    assert hidden(f"{KEY} s3cr3t-Pw-x application/json-7") == "*** *** application/json-7"


def test_secrets_of_the_environment_are_not_in_a_captured_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", KEY)
    redactor = Redactor()
    redactor.scan({"note": f"it is {KEY}"})
    assert redactor.apply({"note": f"it is {KEY}"}, 1) == {"note": "it is <secret:held:1>"}


@pytest.mark.parametrize("key", [KEY, 'quo"ted-K3y-é', "per%cent/K3y-+ =x"])
def test_no_file_holds_it_in_any_notation(key: str, tmp_path: Path) -> None:
    hold(key)
    for text in (key, json.dumps(key), json.dumps(key, ensure_ascii=False)):
        write_atomically(tmp_path / "file.txt", f"the key: {text}")
        assert (tmp_path / "file.txt").read_text("utf-8").strip('"') in ("the key: ***", 'the key: "***')


def test_secrets_stay_if_the_user_requests_them(tmp_path: Path) -> None:
    hold(KEY)
    with left_as_they_are():
        write_atomically(tmp_path / "file.txt", KEY)
    assert (tmp_path / "file.txt").read_text("utf-8") == KEY


@pytest.mark.parametrize("value", ["short-1", "placeholder", "/etc/keys/key-1.pem", "${SHOP_API_KEY_2}"])
def test_placeholders_of_secrets_are_not_searched_for(value: str) -> None:
    hold(value)
    assert hidden(f"it is {value}") == f"it is {value}"


def test_a_response_stays_in_its_format() -> None:
    hold(KEY)
    document: dict[str, Any] = {
        "choices": [{"message": {"content": f"é {KEY}"}}],
        "usage": {"total_tokens": 3},
    }
    for lead in ("", "data: "):
        body = f"{lead}{json.dumps(document)}\n\n".encode()
        found = hidden_response(Received(status=200, body=body)).text
        assert found.endswith("\n\n")
        assert json.loads(found.removeprefix(lead))["choices"][0]["message"]["content"] == "é ***"
    innocent = Received(status=200, body=b'{"a":  1}')
    assert hidden_response(innocent) is innocent


def test_an_output_without_secrets_is_the_very_same() -> None:
    hold(KEY)
    output = {"text": "nothing"}
    assert hidden_output(output) is output
    assert hidden_output(("told", KEY)) == ("told", "***")


def chat(piece: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": piece}}]}


def responses(piece: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": piece}


def messages(piece: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}


@pytest.mark.parametrize("event", [chat, responses, messages])
def test_a_secret_in_pieces_of_a_stream_is_hidden(event: Callable[[str], dict[str, Any]]) -> None:
    hold(KEY)
    pieces = ["It is ", KEY[:4], KEY[4:9], KEY[9:], ", keep it."]
    body = "".join(f"event: x\ndata: {json.dumps(event(piece))}\n\n" for piece in pieces) + "data: [DONE]\n\n"
    found = hidden_response(Received(status=200, body=body.encode())).text
    assert "It is ***, keep it." in found
    assert KEY[:4] not in found
    assert found.count("event: x\ndata: {") == len(pieces)
    assert found.endswith("data: [DONE]\n\n")
    plain = Received(status=200, body=body.replace(KEY[4:9], "other").encode())
    assert hidden_response(plain) is plain


class _Changing(UserDict[str, str]):
    """An environment of which another thread deletes a name after it was listed, as pytest does between tests."""

    def __iter__(self) -> Iterator[str]:
        return iter([*self.data, "GONE_SINCE"])


@pytest.mark.parametrize("hiding_now", [lambda: hidden, hiding, hiding_environment])
def test_a_variable_that_another_thread_deletes_is_no_error(
    hiding_now: Callable[[], Callable[[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", _Changing({"STAYS_API_KEY": "k3y-of-this-test-9QzT"}))
    assert hiding_now()("said k3y-of-this-test-9QzT") == "said ***"
