"""Shows two runs or two trials side by side as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from markupsafe import Markup
from refork.text.escape import clipped
from refork.version import __version__

from refork_reports.page_templates import SIDE_BY_SIDE, asset, environment, page_script, policy
from refork_reports.views.diffs import Piece, marked
from refork_reports.views.run_pages.side_by_side import Passage, Section, SideBySide

LONGEST: Final = 50_000
"""Characters of a passage up to which the page shows it whole and marks what differs."""


@dataclass(frozen=True, kw_only=True)
class PassageView:
    """A passage in pieces. ``long`` ones are shortened and not compared."""

    title: str
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    long: bool
    same: bool


@dataclass(frozen=True, kw_only=True)
class SectionView:
    section: Section
    anchor: str
    passages: tuple[PassageView, ...]


@dataclass(frozen=True, kw_only=True)
class SectionGroup:
    """Neighbouring sections, which all differ or are all equal."""

    is_equal: bool
    sections: tuple[SectionView, ...]


def render(found: SideBySide) -> str:
    """Return the page as text, without a reference to anything outside it."""
    style = asset("report.css") + asset("run.css")
    script = page_script(SIDE_BY_SIDE)
    views = [_section(place, section) for place, section in enumerate(found.sections, 1)]
    return (
        environment()
        .get_template("diff.html.j2")
        .render(
            found=found,
            groups=tuple(_groups(views)),
            first=next((view for view in views if not view.section.is_equal), None),
            policy=policy(style, script),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            version=__version__,
        )
    )


def _groups(views: Sequence[SectionView]) -> Iterator[SectionGroup]:
    for is_equal, group in groupby(views, key=lambda view: view.section.is_equal):
        yield SectionGroup(is_equal=is_equal, sections=tuple(group))


def _section(place: int, section: Section) -> SectionView:
    return SectionView(
        section=section, anchor=f"part-{place}", passages=tuple(map(_passage, section.passages))
    )


def _passage(passage: Passage) -> PassageView:
    is_long = max(len(passage.before), len(passage.after)) > LONGEST
    before, after = (
        (_shortened(passage.before), _shortened(passage.after))
        if is_long
        else marked(passage.before, passage.after)
    )
    return PassageView(title=passage.title, before=before, after=after, long=is_long, same=passage.is_equal)


def _shortened(text: str) -> tuple[Piece, ...]:
    head, tail, _ = clipped(text, LONGEST)
    return (Piece(mark="same", text=f"{head}\n…\n{tail}" if tail else head),)
