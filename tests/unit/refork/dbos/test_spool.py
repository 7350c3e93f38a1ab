"""Rows that were read, in a temporary file or in memory: the same items and sizes, however often."""

import pytest
from refork.dbos.reader.spool import Held, Spool

ITEMS = [("a", 1), ("b" * 5_000, None), ("c", [1, 2])]


@pytest.mark.parametrize("kind", [Spool, Held])
def test_items_can_be_gone_through_again(kind: type[Spool[object]] | type[Held[object]]) -> None:
    items = kind(iter(ITEMS))
    assert [*items] == [*items] == ITEMS
    assert len(items) == 3
    items.close()


def test_what_is_held_in_memory_has_the_size_that_it_has_in_a_file() -> None:
    assert Held(ITEMS).sizes == Spool(ITEMS).sizes
    assert Held(ITEMS).bytes == Spool(ITEMS).bytes
