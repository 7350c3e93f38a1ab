"""``report.html``: one file that needs nothing else, and ``results.json`` beside it."""

import os
from base64 import b64encode
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from refork.errors import ReforkError
from refork_evals.results import Evaluation
from refork_reports import humanize, phrases, results_json
from refork_reports.page import page
from refork_reports.timeline import answer_line, pretty
from refork_reports.visible import clipped, visible, visible_html

REPORT: Final = "report.html"
RESULTS: Final = "results.json"
TITLE: Final = "Agent evals"


def render(evaluation: Evaluation, *, title: str = TITLE) -> str:
    """The page as text, without a reference to anything outside it."""
    style, script = _asset("report.css"), _asset("report.js")
    template = _environment().get_template("report.html.j2")
    return template.render(
        page=page(evaluation, title),
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704 - a file of ours
    )


def write(evaluation: Evaluation, folder: Path, *, title: str = TITLE) -> Path:
    """Write ``report.html`` and ``results.json`` into ``folder``, made if need be; returns the page's path.

    Both are complete or untouched. Raises ReforkError where the folder cannot be written to.
    """
    texts = {RESULTS: results_json.dumps(evaluation), REPORT: render(evaluation, title=title)}
    try:
        _write_all(folder, texts)
    except OSError as error:
        raise ReforkError(
            f"the report cannot be written to {str(folder)!r}: {error.strerror or error}; name another folder"
        ) from None
    return folder / REPORT


def _write_all(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    waiting = {folder / name: folder / f".{name}.{os.getpid()}.tmp" for name in texts}
    try:
        for (path, temporary), text in zip(waiting.items(), texts.values(), strict=True):
            _check_replaceable(path)
            temporary.write_text(text, encoding="utf-8", newline="\n")
        for path, temporary in waiting.items():
            temporary.replace(path)
    finally:
        for temporary in waiting.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _check_replaceable(path: Path) -> None:
    """Said before anything is replaced, so that the two files never stem from two sessions."""
    if path.is_dir():
        raise IsADirectoryError(0, f"{path.name} is a folder there")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("refork_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "tokens": humanize.tokens,
        "money": humanize.money,
        "duration": humanize.duration,
        "percent": humanize.percent,
        "pretty": pretty,
        "clipped": clipped,
        "show": visible_html,
    }
    environment.globals |= {"phrases": phrases, "plural": humanize.plural, "answer_line": answer_line}
    return environment


def _finalize(value: Any) -> Any:
    """Every text that a template puts out passes here, so no template can forget it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape(visible(value))
    return value


@cache
def _asset(name: str) -> str:
    return files("refork_reports").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy that lets nothing run, load or leave but the page's own style and script."""
    return (
        f"default-src 'none'; style-src {_hashed(style)}; script-src {_hashed(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
