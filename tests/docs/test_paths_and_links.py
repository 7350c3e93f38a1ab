"""Files that the pages for contributors name are there, and so is whatever a Markdown file links to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs" / "architecture.md",
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
MARKDOWN = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("README.md")),
]
OF_A_USER = ("evals/cases", "evals/prompts", "evals/baseline.json", "reports/agent-evals")
"""Files of a project that is tested with Refork. Ours lie in folders whose names begin alike."""
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?<![\w/.-])[\w.-]+/[\w./-]*\w/?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def named_paths(page: Path) -> Iterator[str]:
    """What looks like a path of this repository, between backticks or in a diagram."""
    text = page.read_text(encoding="utf-8")
    fences = "\n".join(FENCE.findall(text))
    quoted = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    for path in PATH.findall("\n".join([fences, *quoted])):
        if path.partition("/")[0] in FOLDERS and not path.startswith(OF_A_USER):
            yield path


FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != ".venv"}


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return words.strip().replace(" ", "-")


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield link
        elif fragment and target.suffix == ".md":
            headings = HEADING.findall(FENCE.sub("", target.read_text(encoding="utf-8")))
            if fragment not in map(anchor, headings):
                yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    paths = set(named_paths(page))
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_the_pages_for_contributors_name_files() -> None:
    assert sum(len(set(named_paths(page))) for page in PAGES) > 100


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_points_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    assert list(broken_links(page)) == []
