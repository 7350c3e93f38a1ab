"""Lists the private names that Refork imports from other libraries, in a module for each library, and probes for them.

Any release may remove a private name. :func:`check_hosts` reports a missing one before it is used.
"""

from refork.hosts.checks import HostFinding, check_hosts, findings, newer_line
from refork.hosts.known import HOSTS
from refork.hosts.library import HostLibrary, Internal

__all__ = ["HOSTS", "HostFinding", "HostLibrary", "Internal", "check_hosts", "findings", "newer_line"]
