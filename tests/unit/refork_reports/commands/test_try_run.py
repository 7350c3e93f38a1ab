"""``refork try``: what is wrong on its command line is said before anything is read or paid for."""

from pathlib import Path

import pytest
from refork.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "RUN@STEP is missing: name a run and a step"),
        (("run-1@5", "--case", "x"), "RUN@STEP and --case contradict each other"),
        (("run-1@5", "--where", "flagged"), "RUN@STEP and --where contradict each other"),
        (("run-1@5", "--last", "3"), "--last is for --where"),
        (("run-1@",), "'run-1@' is no run: write RUN@STEP"),
        (("run-1@5", "--expect", "contain: x"), "unknown scorer 'contain'"),
        (("run-1@5", "--expect", "contains: ["), "--expect contains: ["),
        (("run-1@5", "--expect", "gone.yaml"), "'gone.yaml' is not a file"),
        (("run-1@5", "--check", "nothing"), "write module:function"),
        (("run-1@5", "--check", "nothing:here"), "--check 'nothing:here' cannot be imported"),
        (("run-1@5", "--max-cost", "-1"), "--max-cost"),
        (("--case", "rosi"), "no case"),
        (("run-1@5", "-n", "0"), "neither a number of trials nor 'auto'"),
        (("run-1@5", "--db", ""), "--db is missing"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", "sqlite:///production.sqlite")
    assert main(["try", *words]) == 2
    out, err = capsys.readouterr()
    assert said in " ".join(err.split())
    assert (out, err.count("\n")) == ("", 1)
