"""Every file and every process that the product opens as text names its encoding: a machine may have no locale."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SOURCES = [
    path
    for folder in ("harness", "evals", "reports", "pytest_plugin")
    for path in (ROOT / folder).rglob("*.py")
]
NAMED = {"read_text": 1, "write_text": 2}
"""Which argument of these may be the encoding, by place."""


def unnamed(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(each.arg == "encoding" for each in node.keywords):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = getattr(getattr(node.func, "value", None), "id", "")
        texts = {each.arg for each in node.keywords if getattr(each.value, "value", None) is True}
        if name in NAMED and isinstance(node.func, ast.Attribute) and len(node.args) < NAMED[name]:
            yield node.lineno
        if name in ("run", "Popen", "check_output") and owner == "subprocess" and "text" in texts:
            yield node.lineno
        if name == "fdopen" and not _is_binary(node, 1):
            yield node.lineno


def _is_binary(node: ast.Call, place: int) -> bool:
    mode = node.args[place] if len(node.args) > place else None
    return isinstance(mode, ast.Constant) and "b" in str(mode.value)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_read_or_written_as_the_locale_has_it(path: Path) -> None:
    """ruff's PLW1514 sees only what it knows to be a path."""
    found = list(unnamed(ast.parse(path.read_text("utf-8"))))
    assert not found, f"{path}: lines {found}"


def test_a_call_that_names_none_is_seen() -> None:
    text = "file.read_text()\nfile.write_text('x')\nsubprocess.run(['git'], text=True)\nos.fdopen(3, 'w')\n"
    assert list(unnamed(ast.parse(text))) == [1, 2, 3, 4]
