"""Checks the version of a file before anything else: newer ones are rejected, older ones migrated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from refork.errors import BadFileError
from refork.text.lines import one_line

Document: TypeAlias = dict[str, Any]
Migration: TypeAlias = Callable[[Document], Document]
"""A pure function from a document of one version to the same document of the next one."""


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """A file format: the newest version that is read, and the migration of every older one to its next.

    A migration need not touch the key ``version`` itself.
    """

    version: int
    migrations: Mapping[int, Migration] = field(default_factory=dict[int, Migration])

    def upgrade(self, data: Any, *, path: Any) -> Document:
        """Return ``data`` in the newest version. Raises BadFileError if it has no version, or a newer one."""
        document = _mapping(data, path)
        version = self._checked_version(document, path)
        while version < self.version:
            document = self._migrated(document, version, path)
            version += 1
        return document

    def _checked_version(self, document: Document, path: Any) -> int:
        if "version" not in document:
            raise BadFileError(
                f"{str(path)!r}: the key 'version' is missing; put `version: {self.version}` first"
            )
        version = document["version"]
        if type(version) is not int:
            raise BadFileError(f"{str(path)!r}: 'version' must be a number, as in `version: {self.version}`")
        if version > self.version:
            raise BadFileError(
                f"{str(path)!r} was written by a newer Refork (format {_digits(version)}; "
                f"this one reads up to {self.version}): upgrade refork"
            )
        if version != self.version and version not in self.migrations:
            raise BadFileError(
                f"{str(path)!r}: format {_digits(version)} never existed; write {self.version}"
            )
        return version

    def _migrated(self, document: Document, version: int, path: Any) -> Document:
        try:
            return {**self.migrations[version](document), "version": version + 1}
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadFileError(
                f"{str(path)!r} is damaged: it is not in format {version} ({one_line(repr(error))})"
            ) from error


def _mapping(data: Any, path: Any) -> Document:
    if not isinstance(data, dict):
        raise BadFileError(f"{str(path)!r} must hold a mapping of keys to values")
    return data


def _digits(version: int) -> str:
    return str(version) if abs(version) < 10**9 else "of many digits"
