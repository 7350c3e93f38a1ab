"""Finds the names that the application's own modules define or mention, to recognise tools that are no DBOS steps."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from refork.source_code.project_modules import is_installed
from refork.source_code.syntax_trees import parsed

_OURS: Final = frozenset({"refork", "refork_evals", "refork_reports", "pytest_refork"})
_OPEN: Final = re.compile(r"mcp|toolset", re.IGNORECASE)
_NO_NAME: Final = re.compile(r"\W")
_LONGEST: Final = 100


@dataclass(frozen=True, kw_only=True)
class Mentioned:
    """The ``names`` in the source. ``is_open`` says that there may be tools that no source names."""

    names: frozenset[str] = field(default_factory=frozenset[str])
    is_open: bool = False

    def holds(self, name: str) -> bool:
        """Return whether each part of a name is mentioned, except for ``<locals>``."""
        parts = [part for part in name.split(".") if part != "<locals>"]
        return name in self.names or all(part in self.names for part in parts)


def mentioned(modules: Sequence[str]) -> Mentioned:
    """Return the names in the source of the application's own modules: those of ``app`` and the ones they import."""
    trees = own_modules(modules).values()
    names = {name for tree in trees if tree is not None for name in _names(tree)}
    # Nobody knows what a module without source defines.
    is_open = None in trees or any(_OPEN.search(name) for name in names)
    return Mentioned(names=frozenset(names), is_open=is_open)


def own_modules(modules: Sequence[str]) -> Mapping[str, ast.AST | None]:
    """The application's own modules that are imported, by name, each with its source: ``modules``, what lies in
    these packages, and what any of them imports."""
    waiting = [
        name
        for name in list(sys.modules)
        if any(name == each or name.startswith(f"{each}.") for each in modules)
    ]
    found: dict[str, ast.AST | None] = {}
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        if name in found or module is None or not _is_own(module):
            continue
        tree = found[name] = _tree(module)
        waiting += [] if tree is None else _imports(tree, module.__package__ or "")
    return found


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the names of the modules that a source imports, and some that are no modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (above, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _is_own(module: ModuleType) -> bool:
    file: Any = getattr(module, "__file__", None)
    ours = module.__name__.partition(".")[0] in _OURS
    return isinstance(file, str) and not ours and not is_installed(file)


def _tree(module: ModuleType) -> ast.AST | None:
    try:
        return parsed(Path(str(module.__file__)).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, SystemError):
        return None


def _names(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from _imported(node, aliases)
            case ast.Attribute(value=ast.Name(id="DBOS")):
                continue  # an operation of DBOS's goes by another name
            case ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str(text)) if len(text) < _LONGEST:
                yield text
                # An agent that is a tool is called like the agent, as far as a tool may be called so.
                yield _NO_NAME.sub("_", text)
                yield _NO_NAME.sub("_", text).lower()
            case _:
                continue


def _imported(node: ast.Import | ast.ImportFrom, aliases: Sequence[ast.alias]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
    for alias in aliases:
        yield alias.name
        if alias.asname is not None:
            yield alias.asname
