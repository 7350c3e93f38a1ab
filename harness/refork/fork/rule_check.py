"""Refuses, before anything is paid, the rules about tools that can hold in no tail that is about to be measured."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from refork.case_files import CASE_FILE, RUN_FILE
from refork.dbos.application.importing import app_modules
from refork.dbos.replay.operations import dbos_operations
from refork.errors import BadInputError
from refork.records import Case
from refork.source_code.mentioned_names import Mentioned, mentioned
from refork.tool_policy import DBOS_PREFIX, Rule, ToolPolicy, case_policy
from refork.tool_policy.known_names import KnownNames, as_pattern, names_of_run

LOCAL_TOOLS: Final = frozenset({"apply_patch", "computer", "custom_tool", "local_shell", "shell"})
"""Tools of the OpenAI Agents SDK that are no functions, by the names that the policy has for them."""
_NOTHING: Final = "neither a recorded run nor the application has a tool, a step or a workflow of that name"
_PROJECT: Final = "[tool.refork.tools]"


class RuleCheck:
    """The names known in one session. ``steps`` and ``workflows`` are those that the application registered."""

    def __init__(self, *, steps: Iterable[str], workflows: Iterable[str]) -> None:
        self._steps, self._workflows = frozenset(steps), frozenset(workflows)
        self._doubted: dict[str, None] = {}

    @property
    def doubts(self) -> tuple[str, ...]:
        """Return warnings about rules that match no known name but may match another one."""
        return tuple(self._doubted)

    def check(self, policy: ToolPolicy, cases: Sequence[Case]) -> None:
        """Raise BadInputError for the first rule of the project that cannot apply in any tail of ``cases``.

        Cases in ``step`` scope are ignored, because no tool acts in them.
        """
        tails = [case for case in cases if case.scope == "tail"]
        for rule in policy.rules if tails else ():
            self._check(rule, tails, _PROJECT)

    def check_case(self, case: Case) -> None:
        """Do the same for the rules in a case's own file."""
        for rule in case_policy(case).rules if case.scope == "tail" else ():
            self._check(rule, [case], f"{str(case.folder / CASE_FILE)!r}: 'tools'")

    def _check(self, rule: Rule, tails: Sequence[Case], place: str) -> None:
        if rule.is_glob:
            return
        known = [self._known(case, rule) for case in tails]
        refusals = [names.cannot_hold(rule) for names in known]
        if all(refusals):
            raise BadInputError(f"{place} {refusals[0]}")
        if any(names.holds(rule) for names in known) or self._is_elsewhere(rule, tails):
            return
        said = f"{place} has a rule for {rule.pattern!r}, and {_NOTHING}"
        near = [names.nearest(rule.pattern) for names in known]
        nearest = next((hint for hint in near if "did you mean" in hint), near[0])
        if self._source.is_open and not rule.pattern.startswith(DBOS_PREFIX):
            self._doubted[f"{said}{nearest}"] = None
            return
        raise BadInputError(
            f"{said}{nearest}{_end(nearest)} Where it names a tool that is made only while the agent runs, "
            f"write a pattern, which may fit nothing: {as_pattern(rule.pattern)!r}"
        )

    def _known(self, case: Case, rule: Rule) -> KnownNames:
        recorded = names_of_run(case.run)
        return replace(
            recorded,
            steps=recorded.steps | (self._steps - recorded.models),
            offered=recorded.offered | (LOCAL_TOOLS if recorded.offered else frozenset()),
            workflows=recorded.workflows | self._workflows,
            operations=recorded.operations | _operations_like(rule),
        )

    def _is_elsewhere(self, rule: Rule, tails: Sequence[Case]) -> bool:
        """Return whether the source of the application, or a run of another case, contains the name."""
        if rule.pattern.startswith(DBOS_PREFIX):
            return False
        if self._source.holds(rule.pattern):
            return True
        folders = {case.folder.parent for case in tails}
        return any(_is_held(rule.pattern, run) for folder in folders for run in folder.glob(f"*/{RUN_FILE}"))

    @cached_property
    def _source(self) -> Mentioned:
        return mentioned(app_modules())


def _operations_like(rule: Rule) -> frozenset[str]:
    """Return the names of DBOS's operations if the rule is, or may be meant to be, about one; otherwise nothing."""
    known = dbos_operations()
    return (
        known
        if rule.pattern.startswith(DBOS_PREFIX) or f"{DBOS_PREFIX}{rule.pattern}" in known
        else frozenset()
    )


def _end(hint: str) -> str:
    return "" if hint.endswith("?") else "."


def _is_held(name: str, run: Path) -> bool:
    try:
        return json.dumps(name, ensure_ascii=False).encode() in run.read_bytes()
    except (OSError, UnicodeError):
        return False
