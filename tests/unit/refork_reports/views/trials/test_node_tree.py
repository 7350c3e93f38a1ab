"""What our templates render becomes data, in which a text stays text."""

import pytest
from refork_reports.views.trials.node_tree import node_tree


def test_elements_keep_their_attributes_and_their_order() -> None:
    assert node_tree('<p class="a">one <b>two</b> three<br>four</p>five') == [
        ["p", {"class": "a"}, "one ", ["b", {}, "two"], " three", ["br", {}], "four"],
        "five",
    ]


def test_what_was_escaped_is_one_text() -> None:
    assert node_tree("<pre>a &lt;script&gt; &amp;amp; &#34;b&#34;</pre>") == [
        ["pre", {}, 'a <script> &amp; "b"']
    ]


def test_an_attribute_without_a_value_is_there() -> None:
    assert node_tree("<details open></details>") == [["details", {"open": ""}]]


def test_svg_is_spelled_as_svg_spells_it() -> None:
    markup = '<svg viewBox="0 0 1 1" preserveAspectRatio="none"><rect y="3"/></svg>'
    assert node_tree(markup) == [
        ["svg", {"viewBox": "0 0 1 1", "preserveAspectRatio": "none"}, ["rect", {"y": "3"}]]
    ]


@pytest.mark.parametrize("markup", ["<p><b></p>", "<p>"])
def test_a_template_that_leaves_an_element_open_is_refused(markup: str) -> None:
    with pytest.raises(ValueError, match="the template"):
        node_tree(markup)
