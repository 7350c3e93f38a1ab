"""The only room that knows the internals of DBOS."""

from refork.hosts import check_hosts
from refork.hosts.dbos import DBOS

check_hosts((DBOS,))  # before what needs them is imported: a sentence, and no ImportError
