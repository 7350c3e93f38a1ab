"""Imports the user's application into a process that already has a DBOS of ours, so that it creates no other."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dbos import DBOS, Queue
from dbos._queue import _INTERNAL_QUEUE_CONSTRUCTION

from refork.errors import ApplicationError
from refork.redaction.error_text import summary
from refork.source_code.project_modules import is_installed

INERT: Final = (
    "launch",
    "destroy",
    "apply_schedules",
    "create_schedule",
    "register_queue",
    "listen_queues",
)
"""The calls that an application may make at the top of its modules and that must do nothing in an evaluation."""


_imported: list[str] = []
"""The modules that were last imported to register the application's workflows."""
_roots: list[Path] = []
"""The folder of the project of these modules."""


def app_modules() -> Sequence[str]:
    return tuple(_imported)


def where_to_name_modules() -> str:
    """List which modules were imported for which project, because projects in one repository are easily confused."""
    modules = ", ".join(repr(name) for name in _imported) or "none"
    settings = ", ".join(repr(str(root / "pyproject.toml")) for root in _roots)
    return f"[tool.refork] app of {settings} (imported: {modules})"


def main_class(name: str) -> Any:
    """Return what the application defines under a name from its main module; None if none of its modules has it."""
    for module in _imported:
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not None:
            return found
    return None


def import_application(modules: Sequence[str], setup: str | None, root: Path) -> None:
    """Import the modules that register the workflows, and call ``setup`` of ``[tool.refork]`` once.

    ``setup`` is called before the import, so that it can set what that needs, unless its own module is, or
    imports, one of ``modules``: then it finds them imported. Raises ApplicationError.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    early = setup is not None and _comes_first(setup, modules, root)
    if setup is not None and early:
        call_setup(setup, root)
    import_modules(modules, root)
    _imported[:], _roots[:] = modules, [root]
    if setup is not None and not early:
        call_setup(setup, root)


def import_modules(modules: Sequence[str], root: Path) -> None:
    """Import the modules that register the workflows. Raises ApplicationError with the line that broke."""
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # a script without a guard may well exit
            raise ApplicationError(_import_problem(module, error, root)) from error


def call_setup(target: str, root: Path) -> None:
    """Call ``module:function`` of ``[tool.refork] setup``. Raises ApplicationError."""
    module_name, _, function_name = target.partition(":")
    try:
        function: Callable[[], object] = getattr(importlib.import_module(module_name), function_name)
        function()
    except (Exception, SystemExit) as error:
        raise ApplicationError(
            f"[tool.refork] setup = {target!r} failed: {describe_error(error, root)}"
        ) from error


def _comes_first(setup: str, modules: Sequence[str], root: Path) -> bool:
    """Return whether ``setup`` is in a module that does not import the application."""
    module = setup.partition(":")[0]
    before = {name for name in modules if name in sys.modules}
    if module in modules or any(module.startswith(f"{name}.") for name in modules):
        return False
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ApplicationError(
            f"[tool.refork] setup = {setup!r}: {module!r} does not import: {describe_error(error, root)}"
        ) from error
    return not any(name in sys.modules for name in modules if name not in before)


def function_named(key: str, target: str) -> Callable[..., object]:
    """Return the function ``module:function`` that ``[tool.refork]`` names under ``key``. Raises ApplicationError."""
    module_name, _, function_name = target.partition(":")
    try:
        with inert_dbos():
            function: Callable[..., object] = getattr(importlib.import_module(module_name), function_name)
    except (Exception, SystemExit) as error:
        raise ApplicationError(
            f"[tool.refork] {key} = {target!r} cannot be used: {summary(error)}"
        ) from error
    if not callable(function):
        raise ApplicationError(f"[tool.refork] {key} = {target!r} is not a function: write 'module:function'")
    return function


@contextmanager
def inert_dbos() -> Generator[None]:
    """Make launching DBOS do nothing, because some applications launch it when they are imported. Ours is launched
    later.
    """
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
    """Return a queue that the application's code can name. It is not stored, so nobody polls it."""
    return Queue(name, database_backed_queue=True, token=_INTERNAL_QUEUE_CONSTRUCTION)


def _import_problem(module: str, error: BaseException, root: Path) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        missing = error.name
        if module == missing or module.startswith(missing + "."):
            return f"[tool.refork] app = {module!r}: there is no module {missing!r} to import{_where(missing, root)}"
    return f"[tool.refork] app = {module!r} does not import: {describe_error(error, root)}"


def _where(missing: str, root: Path) -> str:
    """Say where a module that cannot be found is, if it is in the project."""
    name = missing.partition(".")[0]
    for folder in ("src", "lib", "python"):
        if (root / folder / name).is_dir() or (root / folder / f"{name}.py").is_file():
            return (
                f" from {str(root)!r}, though there is {folder}/{name}: install the project "
                f"(pip install -e .), or set PYTHONPATH={folder}"
            )
    return f" from {str(root)!r}"


def describe_error(error: BaseException, root: Path) -> str:
    """Return an error of the application as one line, with the project's own last line that led to it."""
    place = _own_frame(error, root)
    advice = ""
    if isinstance(error, KeyError) and _is_of_environ(error):
        advice = f": the environment variable {error.args[0]} is not set"
    return f"{summary(error)}{advice}{f' ({place})' if place else ''}"


def _is_of_environ(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return (
        bool(frames)
        and frames[-1].name == "__getitem__"
        and frames[-1].filename in ("<frozen os>", os.__file__)
    )


def _own_frame(error: BaseException, root: Path) -> str:
    """Return the innermost frame of the project's own, otherwise of any file: ``settings.py:11``."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_relative(error.filename, root)}:{error.lineno}"
    frames = [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_file()]
    own = [each for each in frames if not is_installed(each.filename) and not _is_ours(each.filename)]
    inside = [each for each in own if Path(each.filename).resolve().is_relative_to(root.resolve())]
    for found in (inside, own, frames):
        if found:
            return f"{_relative(found[-1].filename, root)}:{found[-1].lineno}"
    return ""


def _is_ours(file: str) -> bool:
    return Path(file).resolve().is_relative_to(Path(__file__).resolve().parents[2])


def _relative(file: str, root: Path) -> str:
    path = Path(file).resolve()
    return str(path.relative_to(root.resolve())) if path.is_relative_to(root.resolve()) else str(path)
