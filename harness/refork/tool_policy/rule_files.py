"""Reads rules from ``[tool.refork.tools]`` and from ``tools`` of a case."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from refork.errors import BadInputError
from refork.text.lines import nearest, one_line
from refork.tool_policy import DBOS_PREFIX, RECEIVE, TIGHTENING, Action, Rule

_FLAGS: Final = frozenset({"user", "writes"})


def project_rules(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of ``[tool.refork.tools]``: for each name an action, or a table of ``stub = "name"``, ``user =
    true`` and ``writes = true``.

    Raises BadInputError that names the tool, its value, and the accepted values.
    """
    return tuple(_project_rule(_pattern(name), value) for name, value in table.items())


def case_rules(tools: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of a case's ``tools``. Raises BadInputError for anything but ``deny`` and ``replay``."""
    return tuple(
        Rule(pattern=_pattern(name), action=_tightening(name, value)) for name, value in tools.items()
    )


def _pattern(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise BadInputError(f"has {_short(name)} where the name of a tool or a step must stand")
    return name


def _project_rule(name: str, value: Any) -> Rule:
    rule = _rule_of(name, value)
    if rule.action is Action.STUB and rule.pattern.startswith(DBOS_PREFIX) and rule.pattern != RECEIVE:
        raise BadInputError(
            f"has a stub for {_short(name)}: of DBOS's own operations only {RECEIVE!r} can have one, which stands "
            "for the user; accepted: replay, live, deny"
        )
    if rule.user and rule.pattern.startswith(DBOS_PREFIX) and rule.pattern != RECEIVE:
        raise BadInputError(
            f"has 'user' for {_short(name)}: of DBOS's own operations only {RECEIVE!r} brings the user's turns, "
            "and needs no rule for that; accepted: replay, live, deny"
        )
    if rule.action is Action.LIVE and rule.pattern == RECEIVE:
        raise BadInputError(
            f"has 'live' for {_short(name)}: nobody sends to a rerun; replay plays the recorded turns, and "
            '{stub = "name"} names a function that stands for the user'
        )
    return rule


def _rule_of(name: str, value: Any) -> Rule:
    if isinstance(value, dict):
        return _table_rule(name, value)
    return Rule(pattern=name, action=_action(name, value, tuple(Action), '; accepted: {}, {{stub = "name"}}'))


def _table_rule(name: str, table: Mapping[str, Any]) -> Rule:
    """Parse ``{stub = "name"}``, ``{user = true}``, ``{writes = true}``, or several of them."""
    keys, stub = set(table), table.get("stub")
    named = isinstance(stub, str) and bool(stub.strip())
    said = all(table[key] is True for key in keys & _FLAGS)
    if keys and keys <= {"stub", *_FLAGS} and named == ("stub" in keys) and said:
        action = Action.STUB if named else Action.REPLAY
        return Rule(
            pattern=name,
            action=action,
            stub=stub if named else None,
            user="user" in keys,
            writes="writes" in keys,
        )
    if keys and not keys & {"stub", *_FLAGS}:
        dotted = f"{name}.{next(iter(table))}"
        raise BadInputError(
            f"has the table {_short(name)}; quote a name with dots, as in {_short(dotted)} = ..."
        )
    raise BadInputError(
        f'has no {{stub = "name"}} for {_short(name)}, but {_short(table)}; {{user = true}} says that it is the user, '
        "{writes = true} that it writes"
    )


def _tightening(name: str, value: Any) -> Action:
    if value in (Action.LIVE, Action.STUB) or isinstance(value, dict):
        said = "a stub" if isinstance(value, dict) else repr(str(value))
        raise BadInputError(
            f"has {said} for {_short(name)}: only pyproject.toml may grant that, in [tool.refork.tools]; "
            f"accepted here: {', '.join(TIGHTENING)}"
        )
    return _action(name, value, TIGHTENING, "; accepted: {}")


def _action(name: str, value: Any, accepted: Iterable[Action], otherwise: str) -> Action:
    actions = [action.value for action in accepted]
    if isinstance(value, str) and value in actions:
        return Action(value)
    close = nearest(value, actions) if isinstance(value, str) else ""
    hint = close if "did you mean" in close else otherwise.format(", ".join(actions))
    raise BadInputError(f"has {_short(value)} for {_short(name)}{hint}")


def _short(value: object) -> str:
    return one_line(repr(value), 80)
