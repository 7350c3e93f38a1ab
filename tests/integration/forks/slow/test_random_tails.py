"""A thousand tails, of which nobody knows beforehand what they call."""

from pathlib import Path

from refork.fork import ForkSession
from refork.records import Run
from support.model_server import ModelServer
from support.random_tails import TOOLS, acted_in_random_tails


def test_over_every_policy_and_a_thousand_random_tails_only_what_is_live_acts(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    assert acted_in_random_tails(session, runs["a_long_run"], server, ledger, tails=1000) == set(TOOLS)
