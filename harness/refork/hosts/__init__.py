"""The private names that Refork uses of the libraries around it: one module per library, with probes.

Any release may remove a private name. :func:`check_hosts` reports a missing one before it is used.
"""

from refork.hosts.checks import HostFinding, check_hosts, findings, newer_line
from refork.hosts.known import HOSTS
from refork.hosts.library import HostLibrary, Internal

__all__ = ["HOSTS", "HostFinding", "HostLibrary", "Internal", "check_hosts", "findings", "newer_line"]
