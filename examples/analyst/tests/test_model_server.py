"""The stand-in server gives what was recorded, in order, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from model_recordings import Exchange, Recordings, RecordingsError, digest_of
from serving import PROJECT, model_server, post, stats


def body(question: str, **rest: Any) -> dict[str, Any]:
    return {"model": "small", "messages": [{"role": "user", "content": question}], "temperature": 0.8} | rest


def response(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"id": f"chat-{text}", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def text(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    recorded = Recordings.open(path, {"model": "Small-1B"})
    for question, answer in (("Up?", "yes"), ("Down?", "no"), ("Up?", "no idea"), ("Up?", "maybe")):
        recorded.append(Exchange.of(body(question), response(answer)))
    return path


def test_answers_come_in_recorded_order_and_start_again_after_the_last(
    tmp_path: Path, recordings: Path
) -> None:
    with model_server(tmp_path, recordings=recordings) as url:
        said = [text(post(url, body("Up?"))[1]) for _ in range(5)]
        assert said == ["yes", "no idea", "maybe", "yes", "no idea"]
        assert text(post(url, body("Down?"))[1]) == "no"
        assert stats(url) == {"served": 6, "repeated": 2, "missed": 0, "recorded": 0}


def test_an_unrecorded_request_is_a_404_that_names_what_differs(tmp_path: Path, recordings: Path) -> None:
    with model_server(tmp_path, recordings=recordings) as url:
        status, answer = post(url, body("Up?", temperature=0.1))
        assert status == 404
        assert answer["error"]["code"] == "not_recorded"
        assert "no recorded answer of 'small' to 'Up?'" in answer["error"]["message"]
        assert "the nearest recorded request differs in temperature" in answer["error"]["message"]
        assert "differs in messages[0]" in post(url, body("Why?"))[1]["error"]["message"]
        assert stats(url) == {"served": 0, "repeated": 0, "missed": 2, "recorded": 0}


def test_fields_of_the_transport_do_not_make_another_request(tmp_path: Path, recordings: Path) -> None:
    with model_server(tmp_path, recordings=recordings) as url:
        assert post(url, body("Up?", user="someone", store=True))[0] == 200


@pytest.mark.parametrize("bad", [[], {}, {"messages": "hi"}, body("Up?", stream=True)])
def test_what_the_server_cannot_answer_is_refused(tmp_path: Path, recordings: Path, bad: object) -> None:
    with model_server(tmp_path, recordings=recordings) as url:
        status, answer = post(url, bad)
        assert status == 400
        assert answer["error"]["message"]


def test_recording_asks_the_upstream_and_replays_the_same(tmp_path: Path, recordings: Path) -> None:
    new = tmp_path / "new" / "answers.jsonl"
    with model_server(tmp_path, recordings=recordings) as live:
        options = ("--record", "--upstream", live, "--note", "quantization=none")
        with model_server(tmp_path, *options, recordings=new) as url:
            recorded = [post(url, body("Up?")) for _ in range(2)]
            assert post(url, body("Why?"))[0] == 404
            assert stats(url)["recorded"] == 2
    with model_server(tmp_path, recordings=new) as url:
        assert [post(url, body("Up?")) for _ in range(2)] == recorded
    header, *lines = map(json.loads, new.read_text(encoding="utf-8").splitlines())
    assert header["quantization"] == "none"
    assert [list(line) for line in lines] == [["digest", "request", "response"], ["digest", "response"]]


def test_recording_names_the_model_as_it_was_asked_for(tmp_path: Path) -> None:
    live = tmp_path / "live.jsonl"
    Recordings.open(live, {}).append(Exchange.of(body("Up?", model="org/Small-1B.gguf"), response("yes")))
    with model_server(tmp_path, recordings=live) as upstream:
        options = ("--record", "--upstream", upstream, "--upstream-model", "org/Small-1B.gguf")
        with model_server(tmp_path, *options, recordings=tmp_path / "new.jsonl") as url:
            assert post(url, body("Up?"))[1]["model"] == "small"


def test_an_upstream_that_does_not_answer_is_a_502_and_is_not_recorded(tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    with model_server(tmp_path, "--record", "--upstream", "http://127.0.0.1:9/v1", recordings=new) as url:
        assert post(url, body("Up?"))[0] == 502
    assert len(new.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "1: no recordings: a header"),
        ('{"version": 2}\n', "1: version 2 is not 1"),
        ('{"version": 1}\n{"digest": "ab"', "2: "),
        ('{"version": 1}\n{"digest": "ab", "response": {}}', "2: is the first of 'ab'"),
        ('{"version": 1}\n{"digest": "ab", "request": {"model": "x"}, "response": {}}', "2: holds a request"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RecordingsError, match=reason):
        Recordings.load(path)


def test_a_missing_file_ends_the_program_with_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "model_server.py", "--recordings", str(tmp_path / "none.jsonl")]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "none.jsonl" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_digest_ignores_the_order_of_keys() -> None:
    asked = body("Up?")
    assert digest_of(asked) == digest_of(dict(reversed(asked.items())))
