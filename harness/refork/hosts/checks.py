"""Checks that the installed libraries have what Refork needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from refork.errors import HostError
from refork.hosts.known import HOSTS
from refork.hosts.library import HostLibrary, Internal
from refork.hosts.time_machine import TIME_MACHINE

BEFORE_FORKS: Final = tuple(host for host in HOSTS if host is not TIME_MACHINE)
"""The libraries that every session checks. time-machine is needed only for ``frozen_clock``."""


@dataclass(frozen=True, kw_only=True)
class HostFinding:
    """A problem with a library. ``missing`` are private names that the installed version does not have."""

    host: HostLibrary
    missing: tuple[Internal, ...] = ()

    @property
    def sentence(self) -> str:
        """Say what is missing, what it is needed for, and which versions have it."""
        host = self.host
        names = ", ".join(internal.label for internal in self.missing)
        needs = "; ".join(dict.fromkeys(internal.needed for internal in self.missing))
        return (
            f"{host.distribution} {host.installed} has no {names}, which Refork needs {needs}; known to work are "
            f"{host.distribution} {host.oldest} to {host.newest}: install one of these, or a newer Refork"
        )


def findings(hosts: Iterable[HostLibrary] = HOSTS) -> list[HostFinding]:
    """Return a finding for each installed library that lacks something. Imports the libraries."""
    looked = ((host, host.missing()) for host in hosts if host.installed is not None)
    return [HostFinding(host=host, missing=missing) for host, missing in looked if missing]


@cache
def check_hosts(hosts: tuple[HostLibrary, ...] = BEFORE_FORKS) -> None:
    """Raise HostError if an installed library lacks a name that Refork needs."""
    found = findings(hosts)
    if found:
        raise HostError("; ".join(finding.sentence for finding in found))


def newer_line(hosts: Iterable[HostLibrary] = HOSTS) -> str:
    """Return a line about installed libraries that are newer than any that was tested; empty if there are none.

    Libraries of which no private name is used are left out.
    """
    private = (host for host in hosts if host.internals)
    newer = [f"{host.distribution} {host.installed} ({host.newest})" for host in private if host.is_newer]
    if not newer:
        return ""
    return f"newer than what Refork was tried with: {', '.join(newer)}; `refork doctor` looks for what may be missing"
