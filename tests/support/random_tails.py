"""Tails of which nobody knows beforehand what they call, under tool policies that are drawn at random."""

import random
from functools import partial
from pathlib import Path
from typing import Any, Final

from refork.fork import ForkSession
from refork.records import Run
from refork.tool_policy import OnMiss, ToolPolicy
from refork.tool_policy.rule_files import project_rules

from support.forks import case_of, measure
from support.model_server import Call, ModelServer, Received, Reply

TOOLS: Final = ("look_up", "refund", "send_mail", "note")
POLICIES: Final = 20


def acted_in_random_tails(
    session: ForkSession, run: Run, server: ModelServer, ledger: Path, *, tails: int
) -> set[str]:
    """The tools that acted in so many tails, in all policies together. Raises AssertionError where one may not."""
    chance = random.Random(7)
    server.script = partial(_wanders, chance)
    replayed = session.replay(run).run
    session._host.stubs = {tool: _pretend for tool in TOOLS}  # noqa: C420 - its values are functions of any kind
    acted, measured = set[str](), 0
    for _ in range(POLICIES):
        ledger.unlink(missing_ok=True)
        tools = {tool: chance.choice(("live", "replay", "stub", "deny")) for tool in TOOLS}
        on_miss = chance.choice((None, *OnMiss))
        session._host.policy = ToolPolicy(rules=project_rules(tools), on_miss=on_miss)
        outcome = measure(session, case_of(replayed, 2, scope="tail"), tails // POLICIES, seconds=60)
        measured += len(outcome.trials)
        written = (
            {line.split()[0] for line in ledger.read_text("utf-8").splitlines()} if ledger.exists() else set()
        )
        assert written <= {tool for tool, action in tools.items() if action == "live"}
        acted |= written
    assert measured == tails
    return acted


def _wanders(chance: random.Random, request: Received) -> Reply | str:
    """Calls up to two tools with what was recorded or not, and ends at some time."""
    if request.turn > chance.randrange(4):
        return "done"
    calls: dict[str, dict[str, Any]] = {
        "look_up": {"customer": chance.choice(("Ann", "Bob"))},
        "refund": {"amount": chance.choice((5, 500))},
        "send_mail": {"to": "all"},
    }
    picked = chance.sample(sorted(calls), chance.choice((1, 2)))
    return Reply(calls=tuple(Call(name, calls[name]) for name in picked))


def _pretend(**arguments: object) -> str:
    return f"pretended {' '.join(map(str, arguments.values()))}"
