"""Renders the application's prompts from files: ``refork.prompt``. In an evaluation, a candidate can replace them."""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from refork.errors import BadFileError, BadInputError
from refork.production import hooks

if TYPE_CHECKING:
    from refork.prompts.app_prompts import AppPrompt

FOLDER: Final = "prompts"
VARIABLE: Final = "REFORK_APP_PROMPTS"

_configured: Path | None = None
_cache = threading.local()


def configure(*, prompts: str | os.PathLike[str] | None = None) -> None:
    """Set the folder of the application's prompts. With None, it is found as :func:`prompt` describes."""
    global _configured, _cache  # noqa: PLW0603 - one setting for the whole process
    _configured = None if prompts is None else Path(prompts).absolute()
    _cache = threading.local()


def prompt(name: str, /, **variables: Any) -> str:
    """Return the text of ``prompts/<name>.md``, rendered with ``variables``, without one trailing line break.

    The file is a Jinja2 template, read once in each thread. The folder is the configured one, otherwise the
    nearest ``prompts`` next to the calling module or in the packages around it, otherwise that in the current
    folder. While a candidate is tried for this prompt, its text is returned instead.

    Raises BadFileError if the file is missing or contains front matter, BadInputError for wrong arguments, and
    TemplateError if it does not render.
    """
    module: str = sys._getframe(1).f_globals.get("__name__", "")
    try:
        found: AppPrompt = _cache.prompts[module, name]
    except (AttributeError, KeyError):
        found = _loaded(module, name)
    if hooks.evaluation is None:
        return found.render(variables)
    return _evaluated(hooks.evaluation, found, name, variables)


def _evaluated(
    evaluation: hooks.ActiveSession, found: "AppPrompt", name: str, variables: Mapping[str, Any]
) -> str:
    text = found.render(variables)
    candidate = evaluation.variant(name)
    if candidate is not None:
        from refork.prompts.app_prompts import render_candidate  # noqa: PLC0415 - imports jinja2

        text = render_candidate(candidate, name, text, variables)
    evaluation.rendered(name, text, variables)
    return text


def _loaded(module: str, name: str) -> "AppPrompt":
    from refork.prompts.app_prompts import SUFFIX, AppPrompt, check_name  # noqa: PLC0415 - imports jinja2

    check_name(name)
    folders = folders_of(module)
    for folder in folders:
        file = folder / f"{name}{SUFFIX}"
        if file.is_file():
            break
    else:
        looked = ", ".join(repr(str(folder)) for folder in folders)
        raise BadFileError(
            f"there is no prompt {name + SUFFIX!r} in {looked}; "
            "refork.configure(prompts=...) says where prompts lie"
        )
    found = AppPrompt(file)
    prompts: dict[tuple[str, str], AppPrompt] | None = getattr(_cache, "prompts", None)
    if prompts is None:
        prompts = _cache.prompts = {}
    prompts[module, name] = found
    return found


def folders_of(module: str) -> list[Path]:
    """Return the folders to search: the configured one, otherwise those around the calling module and the current
    folder.
    """
    if _configured is not None:
        return [_configured]
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return [Path(named).absolute()]
    set_in_project = _of_project(Path.cwd())
    if set_in_project is not None:
        return [set_in_project]
    around = [folder / FOLDER for folder in _around(module)]
    return [*dict.fromkeys([*around, Path.cwd() / FOLDER])]


def _around(module: str) -> list[Path]:
    """Return the folder of a module, and those of the packages that contain it."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return []
    inner = Path(file).absolute().parent
    depth = module.count(".") + (1 if Path(file).name == "__init__.py" else 0)
    return [inner, *inner.parents[: max(0, depth - 1)]]


def _of_project(start: Path) -> Path | None:
    """Return ``app_prompts`` of the nearest pyproject.toml, if it has one."""
    file = next(
        (path for home in (start, *start.parents) if (path := home / "pyproject.toml").is_file()), None
    )
    if file is None:
        return None
    import tomllib  # noqa: PLC0415 - read once, and not at all where the folder is configured

    try:
        settings = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("refork", {})
    except (OSError, ValueError):  # not ours to complain about in production
        return None
    folder = settings.get("app_prompts")
    if folder is None:
        return None
    if not isinstance(folder, str) or not folder:
        raise BadInputError(f"{str(file)!r}: 'tool.refork.app_prompts' must be a folder, and is {folder!r}")
    return file.parent / folder
