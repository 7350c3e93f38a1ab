"""The rules that say what tools, steps and side effects of a workflow may do in a rerun, by name, the strictest by
default.

pyproject.toml may grant (``live``, ``stub``); a case, which comes in pull requests, may only tighten.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from refork.records import Case

DBOS_PREFIX: Final = "DBOS."
"""The prefix of the names of DBOS's own operations, such as ``DBOS.send``."""
RECEIVE: Final = "DBOS.recv"
"""The operation that delivers a user's turns, unless a step does."""
_GLOB = re.compile(r"\*|\?|\[!?\]?[^\]]*\]")


class Action(StrEnum):
    """The answer to a call: the recorded output, the real function, a stub, or a refusal."""

    REPLAY = "replay"
    LIVE = "live"
    STUB = "stub"
    DENY = "deny"


class OnMiss(StrEnum):
    """The reaction to a call that must be replayed and was not recorded."""

    DENY = "deny"
    """The trial ends as an error."""
    TELL = "tell"
    """The model receives a message, and continues. A call that no model made is denied all the same."""


_LOOSENESS: Final = {Action.DENY: 0, Action.REPLAY: 1, Action.STUB: 2, Action.LIVE: 3}
TIGHTENING: Final = (Action.DENY, Action.REPLAY)
"""The actions that a case may ask for."""


def last_part(name: str) -> str:
    """Return ``run_sql`` of ``build.<locals>.run_sql``; the names of DBOS's own operations are unchanged."""
    return name if name.startswith(DBOS_PREFIX) else name.rpartition(".")[2] or name


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: ``action`` for the names that ``pattern`` matches, a name or a glob with ``*``, ``?`` and ``[...]``.

    ``stub`` names the registered function; None stands for the one with the tool's own name. ``user`` says that what
    such a tool or step gives is a turn of the user's: the recorded ones are played, or the stub stands for the user.
    ``writes`` says that such a tool or step changes something outside the run.
    """

    pattern: str
    action: Action
    stub: str | None = None
    user: bool = False
    writes: bool = False

    @property
    def is_glob(self) -> bool:
        return _GLOB.search(self.pattern) is not None

    def fits(self, name: str) -> bool:
        """Return whether the rule matches ``name``, by the whole name or its last part. Case-sensitive."""
        names = {name, last_part(name)}
        return self.pattern in names or any(fnmatchcase(each, self.pattern) for each in names)

    def rank(self, name: str) -> tuple[bool, bool, int, int, str]:
        """Return the sort key that orders matching rules from the least specific to the one that counts."""
        return (
            self.pattern == name,
            self.pattern == last_part(name),
            len(_GLOB.sub("", self.pattern)),
            -_LOOSENESS[self.action],
            self.pattern,
        )


_DEFAULT: Final = Rule(pattern="*", action=Action.REPLAY)


@dataclass(frozen=True, kw_only=True)
class ToolPolicy:
    """The rules for all tools and steps. A name without a rule is replayed.

    Of several ``rules`` that fit a name, the most specific counts: the whole name, then its last part, then the
    glob with the most characters that stand for themselves; among equals, the tightest. Each of ``limits`` is
    a set of rules, chosen from in the same way, that can take away what ``rules`` gave and give nothing.
    ``on_miss`` is None where nobody chose: as ``deny``.
    """

    rules: tuple[Rule, ...] = ()
    limits: tuple[tuple[Rule, ...], ...] = ()
    on_miss: OnMiss | None = None

    def rule_for(self, name: str) -> Rule:
        """Return the rule that counts for a tool, a step, a child workflow, or an operation such as ``DBOS.send``."""
        granted = _most_specific(self.rules, name) or _DEFAULT
        limits = (_most_specific(rules, name) for rules in self.limits)
        found = (granted, *(limit for limit in limits if limit is not None and limit.action in TIGHTENING))
        return min(found, key=lambda rule: _LOOSENESS[rule.action])

    def action_for(self, name: str) -> Action:
        return self.rule_for(name).action

    def is_user(self, name: str) -> bool:
        """Return whether the result of a tool or a step of this name is a turn of the user."""
        rule = _most_specific(self.rules, name)
        return name == RECEIVE or (rule is not None and rule.user)

    def writes(self, name: str) -> bool:
        """Return whether a tool or a step of this name is known to write.

        The rule says so, or it does not let a rerun make the call: a stub stands for it, or it is denied. A rule for
        every name says nothing about one.
        """
        rule = _most_specific(self.rules, name)
        if rule is None or rule.user:
            return False
        return rule.writes or (rule.action in (Action.STUB, Action.DENY) and rule.pattern != _DEFAULT.pattern)


def merged(project: ToolPolicy, case: ToolPolicy) -> ToolPolicy:
    """Return ``project`` tightened by ``case``: never looser than ``project``, whatever ``case`` says.

    ``on_miss`` is the project's ``deny``, else what the case chose, else what the project did: neither lets
    anything act, so that a project which did not choose leaves it to its cases.
    """
    chosen = (project.on_miss, case.on_miss)
    return ToolPolicy(
        rules=project.rules,
        limits=(*project.limits, case.rules, *case.limits),
        on_miss=OnMiss.DENY if OnMiss.DENY in chosen else case.on_miss or project.on_miss,
    )


def tightened(project: ToolPolicy, case: Case) -> ToolPolicy:
    """Return the policy for reruns of ``case``: the project's, tightened by the case."""
    return merged(project, case_policy(case))


def case_policy(case: "Case") -> ToolPolicy:
    """Return the policy of the case itself, which can only tighten."""
    rules = tuple(Rule(pattern=name, action=Action(said)) for name, said in case.tools.items())
    return ToolPolicy(rules=rules, on_miss=None if case.on_miss is None else OnMiss(case.on_miss))


def _most_specific(rules: tuple[Rule, ...], name: str) -> Rule | None:
    fitting = (rule for rule in rules if rule.fits(name))
    return max(fitting, key=lambda rule: rule.rank(name), default=None)
