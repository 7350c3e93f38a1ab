"""What a real browser makes of the page."""

from pathlib import Path

import pytest
from refork_reports.formats.html import write
from support.report_browser import DRAWN, OPEN_ALL, Browser, need
from support.report_evaluations import everything

LIGHT, DARK = "rgb(253, 253, 252)", "rgb(18, 19, 21)"
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(everything(), tmp_path_factory.mktemp("report"), title="analyst")


def test_the_page_asks_for_nothing_and_the_console_stays_empty(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.evaluate(DRAWN)
    tab.evaluate(OPEN_ALL)
    assert tab.requests == [page.as_uri()]
    assert tab.complaints == []


def test_no_script_of_a_model_runs(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.evaluate(DRAWN)
    tab.evaluate(OPEN_ALL)
    assert "<script>alert('owned')</script>" in tab.evaluate("document.querySelector('main').innerText")
    assert tab.evaluate("document.scripts.length") == 1
    assert tab.evaluate("document.images.length") == 0


def test_a_script_that_got_in_would_be_refused(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.owned = true'}))"
    )
    assert tab.evaluate("window.owned") is None
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_the_page_never_scrolls_sideways(tab: Browser, page: Path, width: int) -> None:
    tab.open(page, width=width, height=844)
    tab.evaluate(DRAWN)
    for state in ("as it comes", "all open"):
        assert tab.evaluate("document.documentElement.scrollWidth") == width, state
        tab.evaluate(OPEN_ALL)


def test_on_a_phone_the_matrix_scrolls_in_its_own_box(tab: Browser, page: Path) -> None:
    tab.open(page, width=390, height=844)
    boxes = "[...document.querySelectorAll('.scroll:has(.matrix)')]"
    assert tab.evaluate(f"{boxes}.some((box) => box.scrollWidth > box.clientWidth)")


def test_the_first_screen_has_the_headline_and_every_prompt_of_the_first_agent(
    tab: Browser, page: Path
) -> None:
    tab.open(page, width=1280, height=900)
    rows = "[...document.querySelectorAll('.prompts tbody:first-of-type tr')]"
    assert tab.evaluate(f"{rows}.every((row) => row.getBoundingClientRect().bottom < innerHeight)")
    assert tab.evaluate("document.getElementById('headline').getBoundingClientRect().height") < 120
    said = tab.evaluate(f"{rows}.map((row) => row.innerText)")
    assert "careful" in said[2]
    assert "take it" in said[2]


def test_the_name_of_a_trial_is_a_link_to_it(tab: Browser, page: Path) -> None:
    tab.open(page, anchor="case/misleading-summary/careful")
    tab.evaluate(DRAWN)
    link = "document.querySelector('[id=\"case/misleading-summary/careful/3\"] a')"
    tab.evaluate(f"{link}.click()")
    assert tab.evaluate("decodeURIComponent(location.hash)") == "#case/misleading-summary/careful/3"
    assert tab.evaluate(f"{link}.textContent") == "trial 3"


def test_what_was_opened_is_printed_with_its_whole_text(tab: Browser, page: Path) -> None:
    tab.open(page, anchor="case/misleading-summary/terse/9")
    tab.evaluate(DRAWN)
    tab.send("Emulation.setEmulatedMedia", media="print")
    trial = "document.getElementById('case/misleading-summary/terse/9').closest('.trial')"
    assert tab.evaluate(f"{trial}.checkVisibility() && {trial}.querySelector('.text').checkVisibility()")
    assert tab.evaluate(f"getComputedStyle({trial}.querySelector('.text')).maxHeight") == "none"
    assert not tab.evaluate(f"{trial}.querySelector('.copy').checkVisibility()")
    assert not tab.evaluate("document.getElementById('compare').checkVisibility()")


def test_without_scripts_verdicts_needed_rates_and_expectations_can_be_read(tab: Browser, page: Path) -> None:
    tab.open(page, scripts=False)
    shown = tab.evaluate("document.querySelector('main').innerText")
    for said in ("take it", "needs 80%", "not_contains: {text: increased", "15/24", "What it took"):
        assert said in shown
    bars = "[...document.querySelectorAll('.prompts .bar, .matrix .bar')]"
    assert tab.evaluate(f"{bars}.length > 8 && {bars}.every((bar) => bar.getBoundingClientRect().width > 50)")


@pytest.mark.parametrize("scripts", [False, True])
def test_a_word_of_statistics_is_explained_from_the_keyboard_where_it_stands(
    tab: Browser, page: Path, scripts: bool
) -> None:
    tab.open(page, scripts=scripts, width=390, height=844)
    tab.evaluate("document.querySelector('.scoreboard .word').focus()")
    tab.press("Enter")
    meaning = "document.getElementById('word-interval')"
    assert tab.evaluate(f"{meaning}.matches(':popover-open')")
    assert "95% confidence" in tab.evaluate(f"{meaning}.innerText")
    place = f"{meaning}.getBoundingClientRect()"
    assert tab.evaluate(f"{place}.left >= 0 && {place}.right <= 390 && {place}.bottom <= 844")
    tab.press("Escape")
    assert not tab.evaluate(f"{meaning}.matches(':popover-open')")


@pytest.mark.parametrize("dark", [False, True])
def test_the_interval_of_a_prompt_is_drawn_in_both_themes(tab: Browser, page: Path, dark: bool) -> None:
    tab.open(page, dark=dark)
    stroke = "getComputedStyle(document.querySelector('.prompts .bar-whisker')).stroke"
    assert tab.evaluate(stroke) == ("rgb(241, 241, 238)" if dark else "rgb(38, 40, 44)")
    tab.send("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate(stroke) == "rgb(38, 40, 44)"


def test_the_page_follows_the_systems_theme(tab: Browser, page: Path) -> None:
    tab.open(page)
    assert tab.evaluate(GROUND) == LIGHT
    tab.open(page, dark=True)
    assert tab.evaluate(GROUND) == DARK


def test_on_paper_the_page_is_light_and_shows_what_is_open(tab: Browser, page: Path) -> None:
    tab.open(page, dark=True)
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    tab.send("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate(GROUND) == LIGHT
    shown = "document.querySelectorAll('details.case:not([open]) .case-body').values().some((b) => b.checkVisibility())"
    assert tab.evaluate("document.querySelectorAll('details.case:not([open])').length") == 1
    assert not tab.evaluate(shown)
    assert tab.evaluate("document.querySelector('.matrix').checkVisibility()")


def test_the_toggle_works_from_the_keyboard_and_both_ways(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.evaluate("document.getElementById('theme').focus()")
    tab.press("Enter")
    assert tab.evaluate(GROUND) == DARK
    tab.open(page, dark=True)
    tab.evaluate("document.getElementById('theme').focus()")
    tab.press("Enter")
    assert tab.evaluate(GROUND) == LIGHT
    tab.evaluate("localStorage.clear()")


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_is_readable_on_its_ground(tab: Browser, page: Path, dark: bool) -> None:
    tab.open(page, dark=dark)
    tab.evaluate(DRAWN)
    tab.evaluate(OPEN_ALL)
    assert tab.evaluate(POOR_CONTRAST) == []


def test_the_filter_leaves_the_cases_asked_for(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.evaluate(
        "const field = document.getElementById('filter-verdict'); field.value = 'stale';"
        "field.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    escape_controls = (
        "[...document.querySelectorAll('details.case:not([hidden])')].map((item) => item.dataset.name)"
    )
    assert tab.evaluate(escape_controls) == ["renamed-transform"]
    assert tab.evaluate("document.querySelectorAll('.matrix tbody tr:not([hidden])').length") == 1


def test_a_link_of_the_matrix_opens_the_trials_it_leads_to(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.evaluate(DRAWN)
    tab.evaluate("document.querySelector('a[href=\"#case/quarterly-summary/careful\"]').click()")
    variant = "document.getElementById('case/quarterly-summary/careful').closest('details.variant')"
    assert tab.evaluate(f"{variant}.open && {variant}.closest('details.case').open")
    assert "14 of 14 said exactly this" in tab.evaluate(f"{variant}.innerText")


def test_a_link_to_a_trial_opens_it(tab: Browser, page: Path) -> None:
    tab.open(page, anchor="case/misleading-summary/terse/9")
    tab.evaluate(DRAWN)
    assert tab.evaluate("document.getElementById('case/misleading-summary/terse/9').checkVisibility()")
    assert "Revenue fell" in tab.evaluate(
        "document.getElementById('case/misleading-summary/terse/9').closest('.trial').innerText"
    )


def test_without_scripts_verdicts_and_matrix_can_be_read_and_the_trials_are_said_to_be_elsewhere(
    tab: Browser, page: Path
) -> None:
    tab.open(page, scripts=False)
    assert tab.evaluate("document.getElementById('theme').hidden && document.getElementById('filter').hidden")
    assert "The script of this page shows the trials here. results.json" in tab.evaluate(
        "document.querySelector('main').innerText"
    )
    assert tab.evaluate("document.querySelectorAll('.matrix .verdict').length") > 10
    assert tab.evaluate("document.querySelector('h1').getBoundingClientRect().height") > 0


def test_everything_that_opens_or_scrolls_can_be_reached_with_the_keyboard(tab: Browser, page: Path) -> None:
    tab.open(page, width=390, height=844)
    tab.evaluate(DRAWN)
    tab.evaluate(OPEN_ALL)
    assert (
        tab.evaluate(
            "[...document.querySelectorAll('main *')].filter((item) => item.tabIndex < 0"
            " && ['auto', 'scroll'].includes(getComputedStyle(item).overflowX)"
            " && item.scrollWidth > item.clientWidth).length"
        )
        == 0
    )


def test_a_missing_browser_fails_in_ci_and_is_reported_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        need(None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        need(None)


# WCAG 2.2, 1.4.3: 4.5 to 1. Gives the texts that fall short, each with its ratio.
POOR_CONTRAST = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (item) => {
    for (let at = item; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const item of document.querySelectorAll('body *:not(script, style, svg *)')) {
    const own = [...item.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !item.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(item).color)), light(ground(item))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(`${item.className || item.tagName} ${ratio.toFixed(2)}`);
  }
  return [...poor];
})()
"""
