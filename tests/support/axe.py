"""Looks for what keeps people from using a page, with axe-core in a real browser."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from support.report_browser import Browser

CONTRAST: Final = "color-contrast"
"""The rule that takes ten times as long as all others together."""


def findings(tab: Browser, *, without: str = "") -> list[str]:
    """Return what axe-core finds on the page that the browser shows now: the rule, the element, and what to do."""
    options = {"resultTypes": ["violations"], "rules": {without: {"enabled": False}} if without else {}}
    tab.evaluate(_script())
    found: list[str] = tab.evaluate(
        f"axe.run(document, {json.dumps(options)}).then(({{violations}}) => violations.flatMap(({{id, nodes}}) =>"
        " nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`)))"
    )
    return found


@cache
def _script() -> str:
    """Return axe-core. Importing the package that has it would import a driver of browsers, too."""
    package = find_spec("axe_playwright_python")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")
