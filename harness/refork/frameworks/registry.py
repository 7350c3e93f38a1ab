"""Which frameworks are installed: found in the entry-point group ``refork.frameworks``, ours and other packages' alike.

An entry point names a class that meets :class:`refork.frameworks.protocol.Framework` and is made without arguments.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from refork.errors import BadInputError
from refork.frameworks.protocol import Framework
from refork.redaction.error_text import summary

GROUP: Final = "refork.frameworks"
FALLBACK: Final = "dbos"
"""The entry point of the framework that takes every run that none of the others knows."""


def installed() -> tuple[Framework, ...]:
    """The frameworks that can be imported here, in the order of their names, the one of plain DBOS steps last.

    A framework whose own library is not installed is left out. Raises BadInputError for an entry point that cannot be
    loaded for another reason, or that is no framework.
    """
    return tuple(framework for entry in _entries() if (framework := _loaded(entry)) is not None)


@cache
def _entries() -> tuple[EntryPoint, ...]:
    """Looked for once: all installed packages are asked."""
    found = entry_points(group=GROUP)
    return tuple(sorted(found, key=lambda entry: (entry.name == FALLBACK, entry.name)))


def _loaded(entry: EntryPoint) -> Framework | None:
    try:
        made: Any = entry.load()()
    except ModuleNotFoundError as error:
        if _is_own(error.name, entry):
            raise _bad(entry, error) from error
        return None
    except Exception as error:
        raise _bad(entry, error) from error
    if not isinstance(made, Framework):
        raise BadInputError(
            f"the entry point {entry.name!r} of the group {GROUP!r} gives {type(made).__name__}, which is no "
            "Framework: see docs/frameworks.md"
        )
    return made


def _is_own(missing: str | None, entry: EntryPoint) -> bool:
    """Whether the module that is missing is the adapter itself, and not the library that it adapts."""
    return missing is None or entry.module == missing or entry.module.startswith(f"{missing}.")


def _bad(entry: EntryPoint, error: Exception) -> BadInputError:
    return BadInputError(
        f"the framework {entry.name!r} does not load ({entry.value}): {summary(error)}; mend or uninstall its package"
    )
