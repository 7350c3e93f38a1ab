"""What a plain step sends is in its code: a change anywhere in there makes its answers old."""

import importlib
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from refork.frameworks.plain_dbos.step_code import code_of

FILES = {
    "shelf/__init__.py": "",
    "shelf/steps.py": """
        import json
        import models
        from . import wording
        from .deep.texts import GREETING

        def ask(question):
            return json.dumps([models.NAME, wording.ASK, GREETING, question])
        """,
    "shelf/wording.py": "ASK = 'Answer.'",
    "shelf/deep/__init__.py": "",
    "shelf/deep/texts.py": "from shelf.deep.more import GREETING",
    "shelf/deep/more.py": "GREETING = 'Hello.'",
    "shelf/unrelated.py": "NOTHING = 1",
    "models.py": "NAME = 'small'",
    "prompts/ask.md": "Ask.",
}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[..., Any]]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    steps = importlib.import_module("shelf.steps")
    importlib.import_module("shelf.unrelated")
    yield steps.ask
    for name in [name for name in sys.modules if name == "models" or name.split(".")[0] == "shelf"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "file", ["shelf/steps.py", "shelf/wording.py", "shelf/deep/more.py", "models.py", "prompts/ask.md"]
)
def test_what_it_imports_and_its_prompts_count(ask: Callable[..., Any], file: str, tmp_path: Path) -> None:
    before = code_of(ask)
    assert code_of(ask) == before
    (tmp_path / file).write_text((tmp_path / file).read_text() + "\n# changed\n")
    assert code_of(ask) != before


def test_what_it_does_not_import_does_not_count(ask: Callable[..., Any], tmp_path: Path) -> None:
    before = code_of(ask)
    (tmp_path / "shelf/unrelated.py").write_text("NOTHING = 2")
    assert code_of(ask) == before
