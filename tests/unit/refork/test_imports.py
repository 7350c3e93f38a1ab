"""Garbage is collected after an import as before it."""

import gc
from collections.abc import Generator

import pytest
from refork.imports import without_garbage_collection


@pytest.fixture(autouse=True)
def enabled_afterwards() -> Generator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("before", [True, False])
def test_the_collector_is_off_in_the_block_and_as_before_after_it(before: bool) -> None:
    (gc.enable if before else gc.disable)()
    with without_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled() is before


def test_a_failed_import_leaves_it_as_before() -> None:
    with pytest.raises(ImportError), without_garbage_collection():
        raise ImportError("no such module")
    assert gc.isenabled()
