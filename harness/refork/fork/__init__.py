"""Makes trials of a case and its variants, and returns their outcomes.

A session imports the application into a DBOS of our own. A case is forked in it: a fork replays from its
checkpoints up to the fork point, and there runs its trials side by side; nothing after the fork point starts.
In ``tail`` scope a fork is one trial, and goes on to the workflow's end under a tool policy.
"""

from refork.hosts import check_hosts

check_hosts()  # before what needs them is imported: a sentence, and no ImportError

from refork.fork.branches.replay_branch import ReplayedRun  # noqa: E402
from refork.fork.case_fork import CaseFork  # noqa: E402
from refork.fork.session import ForkSession, open_project, open_session  # noqa: E402

__all__ = ["CaseFork", "ForkSession", "ReplayedRun", "open_project", "open_session"]
