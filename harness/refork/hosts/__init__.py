"""What Refork needs of the libraries that it runs in, beyond what these promise: one module a library, with probes.

A private name may go with any release. :func:`check_hosts` says so in a sentence before it is missed.
"""

from refork.hosts.checks import Finding, check_hosts, findings, newer_line
from refork.hosts.host import Host, Internal
from refork.hosts.known import HOSTS

__all__ = ["HOSTS", "Finding", "Host", "Internal", "check_hosts", "findings", "newer_line"]
