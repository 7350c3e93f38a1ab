"""What Refork needs of the libraries that it runs in, beyond what these promise: one module a library, with probes.

A private name may go with any release. :func:`check_hosts` says so in a sentence before it is missed.
"""

from refork.hosts.checks import HostFinding, check_hosts, findings, newer_line
from refork.hosts.known import HOSTS
from refork.hosts.library import HostLibrary, Internal

__all__ = ["HOSTS", "HostFinding", "HostLibrary", "Internal", "check_hosts", "findings", "newer_line"]
