"""A library that Refork runs in, and its private names that are used."""

import importlib
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, kw_only=True)
class Internal:
    """A name that its library does not guarantee, as ``module:name`` or ``module:Class.name``.

    ``needed`` completes "Refork needs it ...".
    """

    place: str
    needed: str

    @property
    def is_there(self) -> bool:
        module, _, path = self.place.partition(":")
        try:
            found: object = importlib.import_module(module)
            for name in path.split("."):
                found = getattr(found, name)
        except (ImportError, AttributeError):
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class HostLibrary:
    """A distribution. ``oldest`` and ``newest`` are the tested minor versions.

    ``extra`` is the extra of Refork's that brings it, None where every installation has it.
    """

    distribution: str
    oldest: str
    newest: str
    internals: tuple[Internal, ...] = ()
    extra: str | None = None

    @property
    def installed(self) -> str | None:
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
        return self.installed is not None and release(self.installed) < release(self.oldest)

    def missing(self) -> tuple[Internal, ...]:
        """Return the private names that the installed version does not have."""
        return tuple(internal for internal in self.internals if not internal.is_there)


def release(number: str) -> tuple[int, ...]:
    """Return the major and minor version of ``3.4.1rc2``, as numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])
