"""Stores values that are too large for memory in a temporary file without a name, which nobody else can open."""

import pickle
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, Self, TypeVar

T = TypeVar("T")
IN_MEMORY: Final = 4_000_000
"""Bytes up to which items stay in memory."""


class Spool(Generic[T]):
    """A list of items that can be iterated many times, in the order in which they were appended. ``sizes`` are in
    bytes.
    """

    def __init__(self, items: Iterable[T] = ()) -> None:
        # Lives as long as this does.
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        # Forgotten is closed, too: what an error leaves behind must not stay open.
        self._closed = weakref.finalize(self, self._file.close)
        self.sizes: list[int] = []
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[T]:
        at = 0
        for _ in range(len(self.sizes)):
            # Others may read, or append, between two items.
            self._file.seek(at)
            item: T = pickle.load(self._file)  # noqa: S301 - nobody else can write to this file
            at = self._file.tell()
            yield item

    def append(self, item: T) -> None:
        start = self._file.seek(0, 2)
        pickle.dump(item, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self.sizes.append(self._file.tell() - start)

    @property
    def bytes(self) -> int:
        return sum(self.sizes)

    def close(self) -> None:
        self._closed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Held(Generic[T]):
    """Items that fit into memory together, as a :class:`Spool` gives them."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = [*items]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    @property
    def sizes(self) -> list[int]:
        return [len(pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)) for item in self._items]

    @property
    def bytes(self) -> int:
        return sum(self.sizes)

    def close(self) -> None:
        self._items.clear()
