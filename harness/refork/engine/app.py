"""Imports the user's application into a process that already has a DBOS of ours, so that it gets no other."""

import importlib
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dbos import DBOS, Queue
from dbos._queue import _INTERNAL_QUEUE_CONSTRUCTION

from refork.errors import ApplicationError

INERT: Final = (
    "launch",
    "destroy",
    "apply_schedules",
    "create_schedule",
    "register_queue",
    "listen_queues",
)
"""What an application may call at the top of its modules, and what must do nothing in an evaluation."""


def import_modules(modules: Sequence[str], root: Path) -> None:
    """Import the modules that register the workflows. Raises ApplicationError with the line that broke."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # a script without a guard may well exit
            raise ApplicationError(_import_problem(module, error)) from error


def call_setup(target: str) -> None:
    """Call ``module:function`` of ``[tool.refork] setup``. Raises ApplicationError."""
    module_name, _, function_name = target.partition(":")
    try:
        function: Callable[[], object] = getattr(importlib.import_module(module_name), function_name)
        function()
    except (Exception, SystemExit) as error:
        raise ApplicationError(f"[tool.refork] setup = {target!r} failed: {_one_line(error)}") from error


def function_named(key: str, target: str) -> Callable[..., object]:
    """The function ``module:function`` that ``[tool.refork]`` names under ``key``. Raises ApplicationError."""
    module_name, _, function_name = target.partition(":")
    try:
        with inert_dbos():
            function: Callable[..., object] = getattr(importlib.import_module(module_name), function_name)
    except Exception as error:
        raise ApplicationError(
            f"[tool.refork] {key} = {target!r} cannot be used: {_one_line(error)}"
        ) from error
    if not callable(function):
        raise ApplicationError(f"[tool.refork] {key} = {target!r} is no function")
    return function


@contextmanager
def inert_dbos() -> Generator[None]:
    """Some applications launch DBOS when they are imported. Ours is launched later, with nothing of theirs."""
    originals = {name: DBOS.__dict__[name] for name in INERT}
    for name in INERT:
        setattr(DBOS, name, _queue if name == "register_queue" else _nothing)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(DBOS, name, original)


def _nothing(*_args: Any, **_rest: Any) -> None:
    return None


def _queue(name: str, **_limits: Any) -> Queue:
    """A queue to name in the application's code. It is not written down, so nobody polls it."""
    return Queue(name, database_backed_queue=True, token=_INTERNAL_QUEUE_CONSTRUCTION)


def _import_problem(module: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        missing = error.name
        if module == missing or module.startswith(missing + "."):
            return f"[tool.refork] app = {module!r}: there is no module {missing!r} to import"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"[tool.refork] app = {module!r} does not import: {_one_line(error)} ({place.filename}:{place.lineno})"


def _one_line(error: BaseException) -> str:
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
