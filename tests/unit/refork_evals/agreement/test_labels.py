"""``labels.jsonl``: what is written, what is read back, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from refork.errors import BadFileError
from refork_evals.agreement.labels import Label, load_labels, save_labels
from refork_evals.agreement.rubrics import rubrics
from refork_evals.digests import digest, output_digest
from support.evals_builders import answer, case

A, B, C = (character * 32 for character in "abc")
VERSION = '{"version": 1}\n'


def label(rubric: str = A, output: str = B, *, passes: bool = True, begins: str = "") -> Label:
    return Label(rubric=rubric, output=output, passes=passes, begins=begins)


def line(**more: Any) -> str:
    return json.dumps({"rubric": A, "output": B, "pass": True, **more}) + "\n"


def written(folder: Path, text: str) -> Path:
    (folder / "labels.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_labels_come_back_as_they_were_saved(tmp_path: Path) -> None:
    saved = [label(), label(output=C, passes=False, begins="Revenue\n fell")]
    save_labels(tmp_path, saved)
    found = load_labels(tmp_path)
    assert found[A, B] == saved[0]
    assert found[A, C] == label(output=C, passes=False, begins="Revenue fell")


def test_the_order_of_labelling_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    save_labels(tmp_path, [label(), label(rubric=B), label(output=C)])
    first = file.read_text()
    save_labels(tmp_path, [label(output=C), label(), label(rubric=B)])
    assert file.read_text() == first
    assert first.splitlines()[0] == '{"version": 1}'
    assert len(first.splitlines()) == 4


def test_what_an_output_begins_with_is_one_line_of_ascii(tmp_path: Path) -> None:
    save_labels(tmp_path, [label(begins="\x1b[2J\u202e\ud800\n" + "x" * 500)])
    text = (tmp_path / "labels.jsonl").read_text()
    assert text.isascii()
    assert text.count("\n") == 2
    assert "\x1b" not in text
    assert len(load_labels(tmp_path)[A, B].begins) == 80


def test_a_case_without_a_file_has_no_labels(tmp_path: Path) -> None:
    assert load_labels(tmp_path) == {}


def test_lines_that_a_merge_doubled_are_one_label(tmp_path: Path) -> None:
    assert len(load_labels(written(tmp_path, VERSION + line() + "\n" + line(begins="x")))) == 1


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param("", "is empty: its first line is", id="empty"),
        pytest.param(line(), "the key 'version' is missing", id="no-version"),
        pytest.param('{"version": 2}\n', "was written by a newer Refork", id="newer"),
        pytest.param('{"version": 1, "x": 2}\n', "line 1: unknown key 'x'", id="unknown-key-of-the-header"),
        pytest.param(
            VERSION + line(pas=1), "line 2: unknown key 'pas'; did you mean 'pass'?", id="unknown-key"
        ),
        pytest.param(
            VERSION + line(**{"pass": "yes"}), "line 2: 'pass' must be true or false", id="no-boolean"
        ),
        pytest.param(VERSION + line(output="B" * 32), "line 2: 'output' string should match", id="no-digest"),
        pytest.param(VERSION + '{"rubric": "a"', "line 2: is damaged or truncated", id="truncated"),
        pytest.param(VERSION + "<<<<<<< HEAD\n" + line(), "line 2: is damaged", id="conflict"),
        pytest.param(VERSION + "\n[]\n", "line 3: ", id="a-list"),
        pytest.param(VERSION + "[" * 9999, "line 2: is nested too deeply", id="nested"),
        pytest.param(
            VERSION + line() + line(**{"pass": False}),
            "line 3: the output is labelled the other way on line 2; keep one of the two lines",
            id="both-ways",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(tmp_path: Path, text: str, finding: str) -> None:
    with pytest.raises(BadFileError) as refused:
        load_labels(written(tmp_path, text))
    assert "labels.jsonl'" in str(refused.value)
    assert finding in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_link_out_of_the_case_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(VERSION)
    home = tmp_path / "case"
    home.mkdir()
    (home / "labels.jsonl").symlink_to(secret)
    with pytest.raises(BadFileError, match="leads out of"):
        load_labels(home)


def test_an_output_is_known_by_its_text_and_its_tool_calls() -> None:
    first = answer("x", ("run", {"a": 1, "b": [2]}))
    assert output_digest(first) == output_digest(
        answer("x", ("run", {"b": [2], "a": 1}), structured={"y": 1})
    )
    others = [
        answer("y"),
        answer("x"),
        answer("x", ("run", {"a": 1})),
        answer("x", ("ran", {"a": 1, "b": [2]})),
    ]
    assert output_digest(first) not in map(output_digest, others)


def test_any_output_has_a_digest() -> None:
    odd = answer("\ud800 \x1b", ("run", {"nan": float("nan")}))
    assert output_digest(odd) == output_digest(answer("\\ud800 \x1b", ("run", {"nan": "nan"})))
    assert len(digest(None)) == 32


def test_a_rubric_that_changes_is_another_one() -> None:
    written = ["x", {"rubric": "x", "model": "m", "votes": 3}, "y", {"rubric": "x", "from": "text"}]
    short, same, other, part = (
        found for each in written for found in rubrics(case(expect=({"judge": each},)))
    )
    assert short.digest == same.digest
    assert len({short.digest, other.digest, part.digest}) == 3


def test_a_rubric_counts_where_its_judge_alone_gives_the_score() -> None:
    expect = (
        {"contains": "fell"},
        {"own_scorer_that_nobody_registered": 1},
        {"judge": "first"},
        {"any": [{"judge": "inside"}, {"contains": "x"}]},
        {"final": {"judge": "last"}},
    )
    found = rubrics(case(expect=expect, scope="tail"))
    assert [(each.place, each.text, each.final) for each in found] == [(2, "first", False), (4, "last", True)]
    spoken = answer("Done.", ("refund", {"amount": 1}))
    assert found[0].material(spoken) == 'Done.\n[calls refund({"amount": 1})]'
    assert found[1].material(spoken) == "Done."


def test_a_judge_that_is_written_wrong_names_its_place() -> None:
    with pytest.raises(BadFileError, match=r"case\.yaml: expect\[1\]\.judge\.rubrik: unknown key 'rubrik'"):
        rubrics(case(expect=({"contains": "x"}, {"judge": {"rubrik": "x"}})))


def test_there_is_nothing_to_label_where_the_judge_would_not_be_asked() -> None:
    (rubric,) = rubrics(case(expect=({"judge": {"rubric": "x", "from": "structured"}},)))
    assert rubric.material(answer("plain")) is None
