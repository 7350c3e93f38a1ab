"""Runs ``refork doctor``, which checks whether Refork works with the installed libraries."""

import platform
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import click

from refork.cli._output.options import json_option
from refork.cli._output.tables import TableColumn, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refork.hosts import HostLibrary, Internal

_COLUMNS: Final = (
    TableColumn(title="library"),
    TableColumn(title="installed"),
    TableColumn(title="tried with"),
    TableColumn(title="", flexible=True),
)
FINE: Final = "fine"


@click.command("doctor")
@json_option
def command(*, as_json: bool) -> int:
    """Look whether the installed libraries have what Refork needs of them.

    Refork uses names that DBOS and the agent frameworks do not promise. This
    says which of them are missing, and with which versions Refork was tried.

    Ends with 1 where something is missing.
    """
    from refork.hosts import HOSTS, findings  # noqa: PLC0415 - imports the libraries

    found = findings()
    missing = {finding.host: finding.missing for finding in found}
    python, sqlite = platform.python_version(), sqlite3.sqlite_version
    if as_json:
        libraries = [_entry(host, missing.get(host, ())) for host in HOSTS]
        print_json({"version": 1, "python": python, "sqlite": sqlite, "libraries": libraries})
        return int(bool(found))
    click.echo(f"Python {python}, SQLite {sqlite}")
    print_table(_COLUMNS, [_row(host, missing.get(host, ())) for host in HOSTS])
    for finding in found:
        click.echo(f"\n{finding.sentence}")
    return int(bool(found))


def _row(host: "HostLibrary", missing: "Sequence[Internal]") -> tuple[str, ...]:
    installed = host.installed or "-"
    return host.distribution, installed, f"{host.oldest} to {host.newest}", _state(host, missing)


def _state(host: "HostLibrary", missing: "Sequence[Internal]") -> str:
    if host.installed is None:
        return f"not installed: pip install 'refork[{host.extra}]'" if host.extra else "not installed"
    if missing:
        return f"{len(missing)} of {len(host.internals)} private names missing"
    if host.is_older:
        return "older than any that was tried"
    return "newer than any that was tried; nothing is missing" if host.is_newer else FINE


def _entry(host: "HostLibrary", missing: "Sequence[Internal]") -> dict[str, Any]:
    return {
        "name": host.distribution,
        "installed": host.installed,
        "oldest": host.oldest,
        "newest": host.newest,
        "missing": [internal.place for internal in missing],
    }
