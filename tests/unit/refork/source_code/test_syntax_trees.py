"""Source code is read from many threads at once."""

import ast
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from refork.source_code import syntax_trees as syntax

SOURCES = [path.read_text(encoding="utf-8") for path in sorted(Path(ast.__file__).parent.glob("[a-d]*.py"))]


@pytest.mark.slow
def test_many_threads_read_source_code_beside_others_that_do() -> None:
    def by_itself(source: str) -> None:
        with suppress(SystemError):
            ast.parse(source)

    with ThreadPoolExecutor(8) as pool:
        others = [pool.submit(by_itself, source) for source in SOURCES * 2]
        trees = list(pool.map(syntax.parsed, SOURCES))
    assert len(trees) == len(SOURCES)
    assert all(other.done() for other in others)


def test_a_miscount_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = ast.parse, 0

    def miscounts(source: str) -> ast.AST:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise SystemError("AST constructor recursion depth mismatch")
        return original(source)

    monkeypatch.setattr(ast, "parse", miscounts)
    assert ast.unparse(syntax.parsed("a = 1")) == "a = 1"


def test_code_that_does_not_parse_says_so() -> None:
    with pytest.raises(SyntaxError):
        syntax.parsed("a =")
