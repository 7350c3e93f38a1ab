"""Finds the installed frameworks, Refork's own and those of other packages, in the entry-point group
``refork.frameworks``.

An entry point names a class that implements :class:`refork.frameworks.protocol.Framework` and takes no arguments.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from refork.errors import BadInputError
from refork.frameworks.protocol import Framework
from refork.redaction.error_text import summary

GROUP: Final = "refork.frameworks"
FALLBACK: Final = "dbos"
"""The entry point of the framework that takes every run that none of the others knows."""
_CHECKED: Final[set[type]] = set()
"""Classes whose instances are frameworks: to look at all members takes long, and every run that is read asks."""
_MEMBERS: Final = tuple(name for name in vars(Framework) if not name.startswith("_"))


def installed() -> tuple[Framework, ...]:
    """Return the frameworks that can be imported, sorted by name, with plain DBOS steps last.

    A framework whose own library is not installed is left out. Raises BadInputError if an entry point cannot be
    loaded for another reason, or is not a framework.
    """
    return tuple(framework for entry in _entries() if (framework := _loaded(entry)) is not None)


@cache
def _entries() -> tuple[EntryPoint, ...]:
    """Return the entry points. Looks for them once, since this reads the metadata of all packages."""
    found = entry_points(group=GROUP)
    return tuple(sorted(found, key=lambda entry: (entry.name == FALLBACK, entry.name)))


def _loaded(entry: EntryPoint) -> Framework | None:
    try:
        made: object = entry.load()()
    except ModuleNotFoundError as error:
        if _is_own(error.name, entry):
            raise _bad(entry, error) from error
        return None
    except Exception as error:
        raise _bad(entry, error) from error
    if type(made) not in _CHECKED and not isinstance(made, Framework):
        lacking = ", ".join(name for name in _MEMBERS if not hasattr(made, name))
        raise BadInputError(
            f"the entry point {entry.name!r} of the group {GROUP!r} gives {type(made).__name__!r}, which is not a "
            f"Framework, because it has no {lacking}: add it as docs/frameworks.md describes, or uninstall its package"
        )
    _CHECKED.add(type(made))
    return cast(Framework, made)


def _is_own(missing: str | None, entry: EntryPoint) -> bool:
    """Return whether the missing module is the adapter itself, and not the library that it adapts."""
    return missing is None or entry.module == missing or entry.module.startswith(f"{missing}.")


def _bad(entry: EntryPoint, error: Exception) -> BadInputError:
    return BadInputError(
        f"the framework {entry.name!r} does not load ({entry.value}): {summary(error)}; repair or uninstall its package"
    )
