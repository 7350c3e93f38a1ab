"""Templates escape everything, and what stands beside them reaches for nothing outside the page."""

import re

from refork_reports.page_templates import asset, environment, page_script


def test_styles_and_scripts_reach_for_nothing() -> None:
    for text in (asset("report.css"), page_script()):
        assert not re.search(r"https?:|//\w|url\(|@import|fetch\(|eval\(|innerHTML", text)


def test_a_name_that_a_template_forgets_to_escape_is_escaped_all_the_same() -> None:
    template = environment().from_string('<i title="{{ name }}">{{ name }}</i>')
    assert (
        template.render(name='"\u202e<b>') == '<i title="&#34;⟨U+202E⟩&lt;b&gt;">&#34;⟨U+202E⟩&lt;b&gt;</i>'
    )
