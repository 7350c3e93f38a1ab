"""Policies and calls at random, over few enough names that rules, calls and records often meet."""

from hypothesis import strategies as st
from refork.records import RecordedError, Run, Step, StepKind
from refork.tool_policy import Action, OnMiss, Rule, ToolPolicy

LOOSENESS = {Action.DENY: 0, Action.REPLAY: 1, Action.STUB: 2, Action.LIVE: 2}
"""``live`` and ``stub`` are what a project grants: neither is tighter than the other."""

NAMES = st.sampled_from(["a", "ab", "abc", "b", "X.a", "X.ab", "Y.b", "DBOS.send", "DBOS.setEvent"])
PATTERNS = st.one_of(
    NAMES,
    st.sampled_from(["*", "a*", "*b", "a?", "?", "X.*", "[ab]", "[!a]*", "**", "DBOS.*", "*.*", "send"]),
)
ARGUMENTS = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 2) | st.floats(0, 2), max_size=2)


def policies() -> st.SearchStrategy[ToolPolicy]:
    rules = st.builds(
        Rule,
        pattern=PATTERNS,
        action=st.sampled_from(list(Action)),
        stub=st.none() | st.sampled_from(["fake", "a"]),
    )
    several = st.lists(rules, max_size=5).map(tuple)
    return st.builds(
        ToolPolicy,
        rules=several,
        limits=st.lists(several, max_size=2).map(tuple),
        on_miss=st.none() | st.sampled_from(list(OnMiss)),
    )


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """A run of tool steps and plain steps; the output of each is its number, so that a mix-up shows."""
    calls = draw(st.lists(st.tuples(NAMES, st.none() | ARGUMENTS, st.booleans()), max_size=8))
    steps = (
        Step(
            number=number,
            name=name,
            kind=StepKind.OTHER,
            arguments=arguments,
            output=None if failed else number,
            error=RecordedError(type="E", message=str(number)) if failed else None,
        )
        for number, (name, arguments, failed) in enumerate(calls, start=1)
    )
    return Run(id="r", workflow="w", status="SUCCESS", steps=tuple(steps))
