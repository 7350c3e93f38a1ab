"""Digests the code that a plain step runs: its module, the application's modules below that, and its prompts."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from refork.production.prompts import folders_of
from refork.source_code.project_modules import is_installed
from refork.source_code.syntax_trees import parsed


def code_of(function: Callable[..., Any]) -> str:
    """Return a digest of the source of a step's module, of every module that it imports, and of its prompts.

    Installed modules do not count, such as those of the standard library and of site-packages.
    """
    function = inspect.unwrap(function)
    found = hashlib.sha256(function.__qualname__.encode())
    prompts = (path for folder in folders_of(function.__module__) for path in sorted(folder.rglob("*.md")))
    for path in (*_sources(function.__module__), *prompts):
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()[:24]


def _sources(module: str) -> list[Path]:
    """Return the files of a module and of those that it imports, sorted by the modules' names."""
    seen: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in seen else _own_file(name)
        if path is not None:
            seen[name] = path
            waiting += _imported(name, path, path.stat().st_mtime_ns)
    return [seen[name] for name in sorted(seen)]


def _own_file(module: str) -> Path | None:
    """Return the source file of a module of the application; None if it is installed, or not imported yet."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not file.endswith(".py"):
        return None
    return None if is_installed(file) else Path(file)


@lru_cache(maxsize=1024)
def _imported(module: str, path: Path, _changed: int) -> tuple[str, ...]:
    try:
        tree = parsed(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names = [name for node in ast.walk(tree) for name in _names(node, package)]
    # Importing a.b runs a, too.
    return tuple(dict.fromkeys(part for name in names for part in _with_parents(name)))


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        yield source
        yield from (f"{source}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
