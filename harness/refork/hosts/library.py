"""Describes a library that Refork runs in, and probes for its private names."""

import importlib
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, kw_only=True)
class Internal:
    """A name that its library does not guarantee, as ``module:name`` or ``module:Class.name``.

    ``needed`` completes "Refork needs it ...". ``alternatives`` are the names that other supported versions have
    instead; one of all these is enough.
    """

    place: str
    needed: str
    alternatives: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """True if the installed version has the name, or one of its alternatives. Imports its module."""
        return any(map(_exists, self.places))

    @property
    def places(self) -> tuple[str, ...]:
        return (self.place, *self.alternatives)

    @property
    def label(self) -> str:
        """The dotted names for a message: ``library.module.old or library.module.new``."""
        return " or ".join(place.replace(":", ".") for place in self.places)


def _exists(place: str) -> bool:
    module, _, path = place.partition(":")
    try:
        found: object = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class HostLibrary:
    """A distribution. ``oldest`` and ``newest`` are the minor versions between which it was tested.

    ``extra`` is the extra of Refork that installs it; None if every installation has it.
    """

    distribution: str
    oldest: str
    newest: str
    internals: tuple[Internal, ...] = ()
    extra: str | None = None

    @property
    def installed(self) -> str | None:
        """The installed version; None if it is not installed."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None

    @property
    def is_newer(self) -> bool:
        """True if the installed version is newer than the newest tested one."""
        return self.installed is not None and release(self.installed) > release(self.newest)

    @property
    def is_older(self) -> bool:
        """True if the installed version is older than the oldest tested one."""
        return self.installed is not None and release(self.installed) < release(self.oldest)

    def missing(self) -> tuple[Internal, ...]:
        """Return the private names that the installed version does not have."""
        return tuple(internal for internal in self.internals if not internal.is_there)


def release(number: str) -> tuple[int, ...]:
    """Return the major and minor version of a version number: ``(3, 4)`` for ``3.4.1rc2``."""
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])
