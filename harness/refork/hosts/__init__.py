"""What Refork needs from the libraries that it runs in, beyond their public interfaces: one module per library,
with probes.

Any release may remove a private name. :func:`check_hosts` reports a missing one before it is used.
"""

from refork.hosts.checks import Finding, check_hosts, findings, newer_line
from refork.hosts.host import Host, Internal
from refork.hosts.known import HOSTS

__all__ = ["HOSTS", "Finding", "Host", "Internal", "check_hosts", "findings", "newer_line"]
