"""A browser for the tests of a file."""

from collections.abc import Iterator

import pytest
from support.report_browser import CHROMIUM, Browser, browser, need


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser(need(CHROMIUM)) as opened:
        yield opened
