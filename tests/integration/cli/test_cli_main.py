"""The command line as a whole: exit codes, one-line errors, laziness."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
import refork.cli
from refork import __version__
from refork.cli import main
from refork.errors import BadInputError, DatabaseError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("DBOS_SYSTEM_DATABASE_URL", raising=False)

    def call(*args: str) -> tuple[int, str, str]:
        code = main(args)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def with_commands(monkeypatch: pytest.MonkeyPatch, **targets: str) -> None:
    found = [EntryPoint(name=name, value=value, group="refork.commands") for name, value in targets.items()]

    class Found(list[EntryPoint]):
        names = frozenset(targets)

    def entry_points(*, group: str, name: str | None = None) -> Iterable[EntryPoint]:
        assert group == "refork.commands"
        return Found(entry for entry in found if name in (None, entry.name))

    monkeypatch.setattr(refork.cli, "entry_points", entry_points)


@click.command("fails")
@click.argument("kind")
def fails(kind: str) -> None:
    errors = {
        "input": BadInputError("bad\nin\x1bput"),
        "database": DatabaseError("no database"),
        "interrupt": KeyboardInterrupt(),
        "abort": click.Abort(),
    }
    raise errors[kind]


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version") == (0, f"refork {__version__}\n", "")


def test_help_lists_every_command(run: Run) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for name in ("runs", "show", "capture"):
        assert f"\n  {name}" in out


@pytest.mark.parametrize(
    ("kind", "code", "err"),
    [
        ("input", 2, "refork: bad in\\x1bput\n"),
        ("database", 1, "refork: no database\n"),
        ("interrupt", 130, "\n"),
        ("abort", 130, ""),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: str, code: int, err: str
) -> None:
    with_commands(monkeypatch, fails=f"{__name__}:fails")
    assert run("fails", kind) == (code, "", err)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["shwo"], "no such command 'shwo'"),
        (["runs", "--stats", "x"], "no such option"),
        (["runs", "--limit", "many"], "'many' is not a valid integer"),
        (["show"], "missing argument 'RUN'"),
        (
            ["runs"],
            "--db is missing: give the URL of a DBOS system database, or set DBOS_SYSTEM_DATABASE_URL",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line(run: Run, args: list[str], message: str) -> None:
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert err.startswith("refork: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "target", ["no.such.module:command", "refork.errors:ReforkError", "refork.cli:missing"]
)
def test_a_command_that_cannot_be_loaded_says_so_and_spoils_no_other(
    run: Run, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    with_commands(monkeypatch, broken=target, runs="refork_reports.commands.recorded.runs:command")
    code, out, err = run("broken", "--anything")
    assert (code, out) == (1, "")
    assert err.startswith("refork: the command 'broken' cannot be loaded: ")
    assert err.count("\n") == 1
    code, out, _ = run("--help")
    assert code == 0
    assert "(cannot be loaded)" in out
    assert "List recent runs" in out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom refork.cli import main\n"
        "main(['--help'])\nfor name in ('runs', 'show', 'capture'): main([name, '--help'])\n"
        "heavy = {'dbos', 'agents', 'pandas', 'sqlalchemy', 'pydantic', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(shop_sqlite: Path) -> None:
    command = [sys.executable, "-m", "refork.cli", "runs", "--json", "--db", f"sqlite:///{shop_sqlite}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_quietly_while_a_server_does_not_answer() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/db"
        command = [sys.executable, "-m", "refork.cli", "runs", "--db", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            silent.settimeout(60)
            with silent.accept()[0]:
                time.sleep(0.1)
                process.send_signal(signal.SIGINT)
                assert process.communicate(timeout=60) == ("", "\n")
            assert process.returncode == 130
