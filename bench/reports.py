"""The page of 10,000 trials in Chromium: its size, its first paint, its memory, and what a filter and a theme take."""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from refork_reports.formats.html import render

if TYPE_CHECKING:
    from support.report_browser import Browser

CASES, TRIALS = 100, 20
ROUNDS = 5
_TESTS = Path(__file__).resolve().parent.parent / "tests"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Bytes of the file and of the page's process; seconds of all else, each the fastest of ``ROUNDS``."""

    size: int
    memory: int
    first_paint: float
    drawn: float
    filter: float
    theme: float


def measure() -> Measured:
    sys.path.insert(0, str(_TESTS))
    from support.large_evaluations import large
    from support.report_browser import CHROMIUM, browser, need

    with TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(render(large(CASES, TRIALS)), encoding="utf-8")
        rounds: list[tuple[float, float, float, float, int]] = []
        for _ in range(ROUNDS):
            with browser(need(CHROMIUM)) as tab:  # a new one each time, so that nothing is warm
                rounds.append(_looked_at(tab, page))
        paints, draws, filters, themes, memories = zip(*rounds, strict=True)
        return Measured(
            size=page.stat().st_size,
            memory=max(memories),
            first_paint=min(paints),
            drawn=min(draws),
            filter=min(filters),
            theme=min(themes),
        )


def _looked_at(tab: "Browser", page: Path) -> tuple[float, float, float, float, int]:
    """Return in seconds the first paint, until all that is open is drawn, the slowest filter, and the theme's switch;
    then the bytes of the process.
    """
    tab.open(page)
    drawn = tab.evaluate(_DRAWN)
    paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    filters = [tab.evaluate(_until_painted(f"set({name!r}, {value!r})")) for name, value in _FILTERS]
    theme = tab.evaluate(_until_painted("document.getElementById('theme').click()"))
    return paint / 1000, drawn / 1000, max(filters) / 1000, theme / 1000, tab.memory()


_FILTERS: Final = (
    ("filter-verdict", "fail"),
    ("filter-text", "north"),
    ("filter-text", "slipped into"),
    ("filter-scorer", "judge"),
    ("filter-variant", "careful"),
    ("filter-verdict", ""),
    ("filter-scorer", ""),
    ("filter-variant", ""),
    ("filter-text", ""),
)
_DRAWN: Final = """
new Promise((done) => {
  const look = () => {
    if (!document.querySelector('.trials > details')) setTimeout(look, 5);
    else requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  };
  look();
})
"""


def _until_painted(action: str) -> str:
    """Return an expression for the milliseconds from an action until the frame that shows it has been painted."""
    return f"""
    new Promise((done) => {{
      const set = (id, value) => {{
        const field = document.getElementById(id);
        field.value = value;
        field.dispatchEvent(new Event('input', {{bubbles: true}}));
      }};
      const start = performance.now();
      {action};
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
    }})
    """


if __name__ == "__main__":
    print(measure())
