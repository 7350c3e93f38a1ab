"""Parses YAML strictly: plain data with the scalars of YAML 1.2, no tags, no aliases, no duplicate keys."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from refork.errors import BadFileError
from refork.text.lines import Path_, one_line

MAX_DEPTH: Final = 60
_PREFIX: Final = "tag:yaml.org,2002:"
_SCALARS: Final = {f"{_PREFIX}{name}" for name in ("str", "int", "float", "bool", "null")}


@dataclass(frozen=True, kw_only=True)
class YamlDocument:
    """A parsed file. ``data`` is plain JSON-like data, None if the file is empty."""

    path: Any
    data: Any
    root: Node | None
    first_line: int = 1

    def line(self, where: Path_) -> int:
        """Return the line number, from 1, of a key or of the nearest mapping around it."""
        line = 0
        node = self.root
        for part in where:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return line + self.first_line

    def at(self, where: Path_) -> str:
        return f"line {self.line(where)}: "


def parse_yaml(text: str, *, path: Any, first_line: int = 1) -> YamlDocument:
    """Return plain data from ``text``, whose first line is line ``first_line`` of the file.

    Tags, aliases, duplicate keys, keys that are not text, deep nesting and damage are a BadFileError.
    """
    try:
        root = _Loader(text).get_single_node()
        data = None if root is None else _built(root)
    except yaml.YAMLError as error:
        raise BadFileError(_problem(error, text, path, first_line)) from error
    except (ValueError, OverflowError, RecursionError) as error:
        # PyYAML lets these through for numbers and escapes that are out of range.
        raise BadFileError(f"{str(path)!r} is not YAML: {one_line(str(error))}") from error
    return YamlDocument(path=path, data=data, root=root, first_line=first_line)


class _Loader(yaml.SafeLoader):
    """Composes nodes, and rejects everything that can grow or execute before it is built."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name
    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise _refused("anchors and aliases are refused; write the value out", event.start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _refused(f"is nested deeper than {MAX_DEPTH} levels", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _resolve(name: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(_PREFIX + name, re.compile(rf"(?:{pattern})\Z"), [*first])


_resolve("bool", "true|True|TRUE|false|False|FALSE", "tTfF")
_resolve("null", "~|null|Null|NULL|", "~nN")
_Loader.add_implicit_resolver(_PREFIX + "null", re.compile(r"\Z"), [""])
_resolve("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789")
_resolve("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789")
_resolve("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+.")


def _built(node: Node) -> Any:
    if isinstance(node, MappingNode) and node.tag == f"{_PREFIX}map":
        return _mapping(node)
    if isinstance(node, SequenceNode) and node.tag == f"{_PREFIX}seq":
        return [_built(item) for item in node.value]
    if isinstance(node, ScalarNode) and node.tag in _SCALARS:
        return _scalar(node)
    raise _refused(f"the tag {_short(node.tag)!r} is refused; write plain values", node.start_mark)


def _mapping(node: MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _built(key_node) if isinstance(key_node, ScalarNode) else None
        if not isinstance(key, str):
            raise _refused("a key must be text; put it in quotes", key_node.start_mark)
        if key in found:
            raise _refused(f"the key {key!r} stands twice; keep one of them", key_node.start_mark)
        found[key] = _built(value_node)
    return found


def _scalar(node: ScalarNode) -> Any:
    kind, text = node.tag.removeprefix(_PREFIX), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return _boolean(text, node)
    if kind == "int":
        return _integer(text, node)
    if kind == "float":
        return _number(text, node)
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise _refused("half a surrogate pair is not text", node.start_mark)
    return text


def _boolean(text: str, node: ScalarNode) -> bool:
    if text.lower() not in {"true", "false"}:
        raise _refused(f"{_short(text)!r} is not true or false", node.start_mark)
    return text.lower() == "true"


def _integer(text: str, node: ScalarNode) -> int:
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    try:
        return int(text, base)
    except ValueError as error:
        raise _refused(f"{_short(text)!r} is not an integer", node.start_mark) from error


def _number(text: str, node: ScalarNode) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _refused(f"{_short(text)!r} is not a finite number", node.start_mark)
    return number


def _child(node: Node | None, part: int | str) -> tuple[int, Node] | None:
    return next((found for key, found in _children(node) if key == part), None)


def _children(node: Node | None) -> Iterator[tuple[int | str, tuple[int, Node]]]:
    if isinstance(node, MappingNode):
        yield from ((str(key.value), (key.start_mark.line, value)) for key, value in node.value)
    elif isinstance(node, SequenceNode):
        yield from ((index, (value.start_mark.line, value)) for index, value in enumerate(node.value))


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _problem(error: yaml.YAMLError, text: str, path: Any, first_line: int) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line + first_line
        problem = one_line(" ".join(filter(None, [error.context, error.problem])), 300)
        return f"{str(path)!r}, line {line}: {problem}{_hint(text, problem)}"
    position = getattr(error, "position", None)
    line = text.count("\n", 0, position if isinstance(position, int) else 0) + first_line
    return f"{str(path)!r}, line {line}: {one_line(str(getattr(error, 'reason', error)))}"


def _hint(text: str, problem: str) -> str:
    if "block" in problem and re.search(r"^expect:[ ]*\[[ ]*\]", text, re.MULTILINE):
        return "; take the [] after `expect:` away before you list expectations under it"
    return ""


def _short(text: str) -> str:
    return one_line(text, 60)
