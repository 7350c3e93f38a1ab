"""Renders the templates of pages, with the words and numbers that they use. Text of a model never becomes markup."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from refork.text import numbers as humanize
from refork.text.escape import clipped, escape_controls, escape_html
from refork_evals.scorers.decisive_words import DecisiveWords

from refork_reports.sentences import claims, cost_estimate, expectations, phrases, spending
from refork_reports.sentences import gate as gate_words
from refork_reports.sentences.marked_text import marked
from refork_reports.sentences.statistics import comparisons, margins
from refork_reports.sentences.statistics.estimates import estimates
from refork_reports.sentences.statistics.independence import dependence_note
from refork_reports.sentences.statistics.words import WORDS, pieces
from refork_reports.sentences.steps import pretty

_BUTTON: Final = Markup('<button type="button" class="word" popovertarget="{}">{}</button>')


def _explained(sentence: str) -> Markup:
    """Return a sentence as markup in which each word of statistics is a button that opens its explanation."""
    parts = (
        _BUTTON.format(piece.word.anchor, piece.text) if piece.word else escape_html(piece.text)
        for piece in pieces(sentence)
    )
    return Markup("").join(parts)


_DECIDED: Final = Markup('<mark class="decided is-{}" data-scorer="{}">{}</mark>')


def _decided(text: str, words: Sequence[DecisiveWords], is_json: bool) -> Markup:
    """Return a text as markup in which the words that a scorer decided by are marked."""
    found = marked(text, words, is_json=is_json)
    if isinstance(found, str):
        return escape_html(found)
    parts = (
        _DECIDED.format(part.outcome, part.scorer, escape_html(part.text))
        if part.outcome
        else escape_html(part.text)
        for part in found.parts
    )
    return Markup("").join(parts)


_FILTERS: Final[dict[str, Any]] = {
    "tokens": humanize.tokens,
    "money": humanize.money,
    "duration": humanize.duration,
    "percent": humanize.percent,
    "number": humanize.number,
    "pretty": pretty,
    "clipped": clipped,
    "show": escape_html,
    "explained": _explained,
    "decided": _decided,
    "when": "{:%d %B %Y, %H:%M %Z}".format,
}
_GLOBALS: Final[dict[str, Any]] = {
    "claims": claims,
    "margins": margins,
    "phrases": phrases,
    "spending": spending,
    "comparisons": comparisons,
    "cost_estimate": cost_estimate,
    "expectations": expectations,
    "gate_words": gate_words,
    "estimates": estimates,
    "dependence_note": dependence_note,
    "words": WORDS,
    "plural": humanize.plural,
}

REPORT: Final = (
    "theme",
    "decoded",
    "nodes",
    "blocks",
    "copy",
    "trials",
    "places",
    "filter",
    "charts",
    "differences",
    "compare",
    "keyboard",
    "start",
)
SIDE_BY_SIDE: Final = ("theme", "decoded", "links")
RUN: Final = (*SIDE_BY_SIDE, "steps")
"""The scripts of the report, of a page of two runs or trials, and of a page of one run. Each may use what those before
it define.
"""


@cache
def environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("refork_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(_GLOBALS)
    return environment


def _finalize(value: Any) -> Any:
    """Escape every text that a template puts out, so that no template can forget it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape(escape_controls(value))
    return value


@cache
def asset(name: str) -> str:
    return files("refork_reports").joinpath("templates", name).read_text(encoding="utf-8")


def page_style() -> str:
    """Return the styles of the report."""
    return asset("report.css") + asset("compare.css") + asset("trials.css")


def page_script(scripts: Sequence[str] = REPORT) -> str:
    """Return the script of a page: its files as one block, so that their names stay among themselves."""
    parts = "".join(asset(f"scripts/{name}.js") for name in scripts)
    return f'"use strict";\n{{\n{parts}}}\n'


def policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows only the page's own style and script: nothing else runs, loads
    or is sent.
    """
    return (
        f"default-src 'none'; style-src {_hashed(style)}; script-src {_hashed(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
