"""What Refork needs from the libraries that it runs in, beyond their public interfaces: one module per library,
with probes.

Any release may remove a private name. :func:`check_hosts` reports a missing one before it is used.
"""

from refork.hosts.checks import HostFinding, check_hosts, findings, newer_line
from refork.hosts.known import HOSTS
from refork.hosts.library import HostLibrary, Internal

__all__ = ["HOSTS", "HostFinding", "HostLibrary", "Internal", "check_hosts", "findings", "newer_line"]
