"""Ctrl-C, -x and a terminal that is watched: what is paid for is waited for, and what is known is reported."""

import errno
import os
import pty
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Finished, Project, Running, case_yaml, finished, read_until

WAITING = "waiting for 2 answers in flight, Ctrl-C again to drop them"


@pytest.fixture
def slow(project: Project) -> Project:
    """Two trials at once, twenty in all."""
    return project.with_files({"evals/cases/rosy/case.yaml": case_yaml(rest="variants: [careful]")})


def interrupt(process: Running) -> None:
    process.send_signal(signal.SIGINT)


def test_ctrl_c_waits_for_answers_in_flight_and_reports_what_was_measured(
    slow: Project, server: ModelServer, tmp_path: Path
) -> None:
    with server.held():
        process = slow.start(tmp_path, "--agent-evals", "--agent-evals-concurrency=2")
        server.wait_for(2, seconds=60)
        interrupt(process)
        before = read_until(process, WAITING)
    done = finished(process, tmp_path)
    assert done.code == pytest.ExitCode.INTERRUPTED
    assert server.count == 2
    assert "Traceback" not in before + done.output
    assert done.verdicts["rosy", "current"] == ("inconclusive", 0, 2)
    assert done.lines("8 of 10 trials did not run")
    assert ("rosy", "careful") not in done.verdicts


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait(slow: Project, server: ModelServer, tmp_path: Path) -> None:
    with server.held():
        process = slow.start(tmp_path, "--agent-evals", "--agent-evals-concurrency=2")
        server.wait_for(2, seconds=60)
        interrupt(process)
        read_until(process, WAITING)
        interrupt(process)
        done = finished(process, tmp_path)
    assert done.code == pytest.ExitCode.INTERRUPTED
    assert server.count == 2
    assert "Traceback" not in done.output


@pytest.mark.slow
def test_x_starts_no_more_trials_after_the_first_failure(
    slow: Project, server: ModelServer, tmp_path: Path
) -> None:
    server.latency = 1.0
    vanished = slow.files["evals/cases/rosy/run.json"].replace('"_model_call_step"', '"ask_the_oracle"')
    first = {"evals/cases/a-stale-one/case.yaml": case_yaml(), "evals/cases/a-stale-one/run.json": vanished}
    done = slow.with_files(first).run(tmp_path, "--agent-evals", "-x", "--agent-evals-concurrency=2")
    assert done.counts == {"failed": 1}
    assert done.code == pytest.ExitCode.TESTS_FAILED
    assert server.count < 20
    assert done.verdicts["a-stale-one", "current"] == ("stale", 0, 0)
    assert done.lines("stopping after 1 failures")


@pytest.fixture(scope="module")
def watched(project: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A whole run, on a terminal."""
    model.latency = 0.5
    case = {"evals/cases/rosy/case.yaml": case_yaml(rest="variants: [careful]")}
    return run_on_a_terminal(project.with_files(case), tmp_path_factory.mktemp("watched"), "--agent-evals")


@pytest.mark.slow
def test_on_a_terminal_the_progress_is_drawn_beside_the_item_and_wiped_away(watched: Finished) -> None:
    assert re.search(r"agent evals \d+/20 trials, 8 running(?:, [^,]+)?, about [^,]+ left", watched.output)
    screen = shown(watched.output)
    assert "/20 trials" not in screen
    assert re.search(r"^evals/cases/rosy/case\.yaml F\. +\[100%\]$", screen, re.MULTILINE)


@pytest.mark.slow
def test_lf_measures_again_what_failed_and_qq_says_nothing_of_it(
    watched: Finished, slow: Project, server: ModelServer
) -> None:
    done = slow.run(watched.folder, "--agent-evals", "--agent-evals-answers=live", "--lf", "-qq")
    assert server.count == 10
    assert done.verdicts == {("rosy", "current"): ("fail", 0, 10)}
    assert "agent evals" not in done.output
    assert "\x1b" not in done.output


def run_on_a_terminal(project: Project, folder: Path, *arguments: str) -> Finished:
    """Run pytest with a terminal as its output."""
    parent, child = pty.openpty()
    process = project.with_environment(TERM="xterm", COLUMNS="100").start(folder, *arguments, terminal=child)
    os.close(child)
    output = b"".join(iter(lambda: _read(parent), b""))
    os.close(parent)
    return Finished(code=process.wait(60), output=output.decode().replace("\r\n", "\n"), folder=folder)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""  # a terminal whose other end is closed


def shown(output: str) -> str:
    """What stays on the screen: cursors that go left, lines that are erased, colours that are dropped."""
    return "\n".join(_line(re.findall(r"\x1b\[\d*(?:;\d+)*[A-Za-z]|.", line)) for line in output.split("\n"))


def _line(parts: Sequence[str]) -> str:
    cells: list[str] = []
    column = 0
    for part in parts:
        if part.endswith("D") and part.startswith("\x1b"):
            column = max(0, column - int(part[2:-1]))
        elif part == "\x1b[K":
            del cells[column:]
        elif not part.startswith("\x1b"):
            cells[column : column + 1] = [part]
            column += 1
    return "".join(cells)
