"""Two things side by side: titled passages of both, of which some differ. For the terminal and for a page."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A text of both sides, such as a prompt; empty where a side has none."""

    title: str
    before: str
    after: str

    @property
    def is_equal(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True, kw_only=True)
class Section:
    """Passages that belong together, such as a step's arguments and output. ``only`` names the side that has them."""

    title: str
    passages: tuple[Passage, ...]
    only: Literal["first", "second"] | None = None

    @property
    def is_equal(self) -> bool:
        return self.only is None and all(passage.is_equal for passage in self.passages)


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """A comparison. ``first`` and ``second`` are facts about the sides, beginning with their names; ``unit`` is the
    word for a section.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    sections: tuple[Section, ...]
    unit: str

    @property
    def first_difference(self) -> Section | None:
        """The first section that is not equal; None if both sides are."""
        return next((section for section in self.sections if not section.is_equal), None)
