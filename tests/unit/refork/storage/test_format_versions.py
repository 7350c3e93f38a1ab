"""Formats: the version is read first; older documents are migrated a version at a time."""

from typing import Any

import pytest
from refork.case_files.case_file import CASE_FORMAT
from refork.case_files.run_file import RUN_FORMAT
from refork.errors import BadFileError
from refork.storage.format_versions import FileFormat


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    return {"version": document["version"], "trials": document["repeats"]}


def nested(document: dict[str, Any]) -> dict[str, Any]:
    return {"version": document["version"], "sampling": {"trials": document["trials"]}}


THIRD = FileFormat(version=3, migrations={1: renamed, 2: nested})


def test_an_older_document_goes_through_every_version_in_between() -> None:
    assert THIRD.upgrade({"version": 1, "repeats": 5}, path="x") == {"version": 3, "sampling": {"trials": 5}}


def test_a_document_of_the_version_before_goes_through_the_last_migration_only() -> None:
    assert THIRD.upgrade({"version": 2, "trials": 5}, path="x") == {"version": 3, "sampling": {"trials": 5}}


def test_the_document_that_was_given_is_not_changed() -> None:
    document = {"version": 1, "repeats": 5}
    THIRD.upgrade(document, path="x")
    assert document == {"version": 1, "repeats": 5}


def test_a_damaged_older_document_is_a_bad_file() -> None:
    with pytest.raises(BadFileError, match=r"'x' is damaged: it is not in format 1"):
        THIRD.upgrade({"version": 1}, path="x")


@pytest.mark.parametrize("version", [4, 10**30])
def test_a_newer_document_is_refused_by_name(version: int) -> None:
    with pytest.raises(
        BadFileError, match=r"newer Refork \(format .*; this one reads up to 3\): upgrade refork"
    ):
        THIRD.upgrade({"version": version}, path="x")


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_that_never_was_is_refused(version: int) -> None:
    with pytest.raises(BadFileError, match="never existed"):
        THIRD.upgrade({"version": version}, path="x")


@pytest.mark.parametrize("format", [CASE_FORMAT, RUN_FORMAT])
def test_every_older_version_can_be_migrated(format: FileFormat) -> None:
    assert set(format.migrations) == set(range(1, format.version))
