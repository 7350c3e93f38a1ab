"""Reads what the answers of a question shall meet: scorers in YAML, a file of them, or a function of the project's."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from refork.errors import BadInputError
from refork.redaction.error_text import summary
from refork.storage.files import read_text
from refork.storage.yaml_text import parse_yaml
from refork.text.lines import one_line
from refork_evals.scorers.evidence import is_list, is_object
from refork_evals.scorers.parameters import first_error, key_path, sentence
from refork_evals.scorers.registry import BUILT_IN, known_scorers, parse_scorer, scorer

NOT_JUDGED: Final = "not_judged"
"""The scorer of a question without expectations. It takes every answer; no verdict of its is shown."""
_SUFFIXES: Final = (".yaml", ".yml")
_LARGEST_FILE: Final = 1_000_000


def expectations_of(
    expect: Sequence[str], checks: Sequence[str], root: Path
) -> tuple[Mapping[str, Any], ...]:
    """The entries of ``expect`` in ``case.yaml`` that ``--expect`` and ``--check`` say.

    ``expect`` are entries in YAML, such as ``not_contains: increased``, or paths of YAML files that hold a list of
    them. ``checks`` are functions of the project's, ``module:function``, which take a
    :class:`~refork_evals.scorers.protocol.Sample` and return what a scorer may return. Raises BadInputError for
    what is neither.
    """
    entries = [entry for text in expect for entry in _entries(text)]
    return (*entries, *({_registered(check, root): None} for check in checks))


def not_judged() -> tuple[Mapping[str, Any], ...]:
    """Return the entry of a question whose answers are looked at, and not judged."""
    if NOT_JUDGED not in known_scorers():
        scorer(NOT_JUDGED)(_take)
    return ({NOT_JUDGED: None},)


def _take(_sample: object) -> bool:
    return True


def _entries(text: str) -> list[Mapping[str, Any]]:
    source, written = f"--expect {one_line(text, 60)}", text
    if text.endswith(_SUFFIXES) and "\n" not in text:
        path = Path(text)
        if not path.is_file():
            raise BadInputError(
                f"--expect {text!r} is not a file: give the path of one, or the expectation itself"
            )
        source, written = text, read_text(path, inside=path.parent, limit=_LARGEST_FILE)
    found: Any = parse_yaml(written, path=source).data
    found = found["expect"] if is_object(found) and "expect" in found else found
    entries: Sequence[Any] = found if is_list(found) else [found]
    return [_checked(entry, text) for entry in entries]


def _checked(entry: Any, text: str) -> Mapping[str, Any]:
    entry = {entry: None} if isinstance(entry, str) else entry
    try:
        parse_scorer(entry)
    except ValidationError as error:
        first = first_error(error)
        place = key_path(first["loc"])
        raise BadInputError(f"--expect {text!r}: {f'{place}: ' if place else ''}{sentence(first)}") from None
    return {str(key): value for key, value in entry.items()}


def _registered(check: str, root: Path) -> str:
    """Register a function of the project's as a scorer, and return the scorer's name."""
    module, _, name = check.partition(":")
    if not module or not name.isidentifier():
        raise BadInputError(
            f"--check {check!r} is not a function: write module:function, such as checks:says_fell"
        )
    called = name.lower()
    called = f"check_{called}" if called in BUILT_IN else called
    scorer(called)(_function(check, module, name, root))
    return called


def _function(check: str, module: str, name: str, root: Path) -> Callable[..., Any]:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        raise BadInputError(f"--check {check!r} cannot be imported: {summary(error)}") from error
    if not callable(found):
        raise BadInputError(f"--check {check!r} is a {type(found).__name__}, and not a function")
    function: Callable[..., Any] = found
    return function
