"""The page is one well-formed file that needs nothing else, and no model can write into it."""

import base64
import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from refork.errors import ReforkError
from refork.records import Step, StepKind
from refork_evals.results import SuiteResult
from refork_reports.formats.html import render, write
from refork_reports.results_json import read
from refork_reports.sentences.tails import step_line
from support.gated import gated
from support.report_data import page_data, trial_texts
from support.report_evaluations import (
    HOSTILE,
    SUMMARIZER,
    case,
    conversation,
    evaluation,
    everything,
    fixed_by,
    guard,
    hostile,
    malformed_sql,
    misleading_summary,
    realistic,
    request,
    stale,
    steps,
    tail,
    unmeasured,
)

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """What a browser would see: the tags with their attributes, the text, and whether all is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute stands twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())

    def attributes(self, name: str) -> Iterator[str]:
        yield from (value for _, found in self.tags if (value := found.get(name)) is not None)


def text_of(made: SuiteResult) -> str:
    """The text of the page, and that of the trials which its script adds."""
    made_page = render(made)
    return f"{Page(made_page).text} {trial_texts(made_page)}"


@pytest.mark.parametrize("make", [evaluation, realistic, everything])
def test_the_page_is_well_formed(make: Callable[[], SuiteResult]) -> None:
    Page(render(make()))


def test_nothing_refers_outside_the_page() -> None:
    page = Page(render(everything()))
    assert not {tag for tag, _ in page.tags} & {"img", "iframe", "object", "embed", "audio", "video", "base"}
    for name in ("src", "srcset", "action", "formaction", "poster", "background", "ping", "style"):
        assert list(page.attributes(name)) == []
    assert {address[0] for address in page.attributes("href") if address != "data:,"} == {"#"}


def test_every_link_leads_to_something() -> None:
    page = Page(render(everything()))
    targets = list(page.attributes("id"))
    assert len(targets) == len(set(targets))
    assert {address[1:] for address in page.attributes("href") if address.startswith("#")} <= set(targets)


def test_the_policy_allows_the_pages_own_style_and_script_alone() -> None:
    text = render(realistic())
    policy = next(found["content"] for _, found in Page(text).tags if found.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_a_models_output_stays_text() -> None:
    page = Page(render(everything()))
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not any(name.startswith("on") for _, found in page.tags for name in found)
    assert "</pre></script><script>alert('owned')</script><img src=x onerror=alert(1)>" in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_what_a_browser_or_a_reader_would_be_fooled_by_is_spelled_out() -> None:
    text = render(everything())
    assert not set(text) & set("\x1b\x07\u202e\u202c\u200b\ud800")
    assert {"⟨ESC⟩", "⟨BEL⟩", "⟨U+202E⟩", "⟨U+200B⟩", "⟨U+D800⟩"} <= set(re.findall("⟨[^⟩]+⟩", text))
    assert 'title="U+202E RIGHT-TO-LEFT OVERRIDE"' in text


def test_text_from_right_to_left_is_left_as_it_is() -> None:
    assert "سقطت الإيرادات" in text_of(everything())


def test_an_output_of_a_megabyte_is_shortened_with_a_note() -> None:
    text = render(evaluation(hostile()))
    assert len(text) < 300_000
    assert "1,194,008 characters left out here; results.json holds the whole text." in trial_texts(text)
    assert "THE END" in trial_texts(text)


def test_the_page_says_what_was_found_first() -> None:
    page = Page(render(realistic(), title="analyst"))
    assert "The current prompts fail 2 of 5 cases; 1 passes" in page.text
    assert "Take careful for summarizer: it fixes 1 of 1 failure and breaks none of 1 guard" in page.text
    assert "fixes it: careful 10/10 (72–100%)" in page.text
    assert "analyst" in page.text


def test_a_fix_says_what_it_does_to_the_guards() -> None:
    assert "passes guard quarterly-summary 14/14" in text_of(evaluation(misleading_summary(), guard()))
    worse = fixed_by(misleading_summary(), "terse")
    assert "breaks guard quarterly-summary 2/14" in text_of(evaluation(worse, guard()))
    assert "capture a guard from a run that went well" in text_of(evaluation(malformed_sql()))


def test_a_failure_without_a_fix_names_the_nearest_candidate() -> None:
    said = text_of(evaluation(fixed_by(misleading_summary())))
    assert "no candidate is shown to fix it: careful 10/10 (72–100%) passes where current does not" in said


def test_what_was_paid_and_what_whole_reruns_would_have_taken_are_said_apart() -> None:
    said = " ".join(text_of(realistic()).split())
    assert "102 answers, 194k tokens, $0.024" in said
    assert "105 whole reruns would have taken" in said
    assert "one after another 14 min; this session took 1 m 23 s" in said


def test_an_unknown_price_is_said_and_not_invented() -> None:
    said = text_of(evaluation(hostile()))
    assert "no price known for model 'local<model>'" in said
    assert "$" not in said


def test_the_timeline_shows_every_step_and_marks_the_fork_point() -> None:
    said = text_of(evaluation(misleading_summary()))
    assert "6 steps replayed from the recording" in said
    assert "Fork point: the one step that ran again" in said
    assert "1 step after it, not run" in said
    long = replace(misleading_summary(), case=case("long", step=59, steps=steps(60)))
    text = render(evaluation(long))
    assert [int(found) for found in re.findall(r'class="moment[^"]*" value="(\d+)"', text)] == list(
        range(1, 61)
    )
    assert "Steps 1 to 50" in text


def test_prompts_stand_side_by_side_with_their_differences_marked() -> None:
    text = render(evaluation(misleading_summary()))
    assert "<del>Be positive and confident</del>" in text
    assert re.search(r"<ins>with its sign as the\s+transform step computed it, </ins>", text)


def test_prompts_of_a_megabyte_are_shortened_and_not_compared() -> None:
    made = misleading_summary()
    long = replace(made.cells[1], request=request("careful " * 150_000 + "THE END"))
    text = render(evaluation(replace(made, cells=(made.cells[0], long))))
    assert len(text) < 300_000
    assert "too long to be compared here; results.json holds both whole" in text
    assert "THE END" in text


def test_a_candidate_run_alone_is_still_compared_with_the_code_as_it_stands() -> None:
    made = misleading_summary()
    assert made.outcome is not None
    outcome = replace(made.outcome, requests={"current": request(SUMMARIZER)})
    text = render(evaluation(replace(made, cells=made.cells[1:2], outcome=outcome)))
    assert "<del>Be positive and confident</del>" in text


def test_what_was_sent_differently_is_marked() -> None:
    text = render(evaluation(misleading_summary()))
    assert re.findall(r"<mark>(.*?)</mark>", text) == ["gpt-4o", "80", "0.2"]


def test_every_trial_is_there_with_every_reason() -> None:
    made = evaluation(misleading_summary(), malformed_sql())
    text = render(made)
    cells = page_data(text)["cells"].values()
    numbers = [
        sorted(trial["number"] for group in cell["groups"] for trial in group["trials"]) for cell in cells
    ]
    assert numbers == [[scored.trial.number for scored in cell.trials] for cell in made.cells]
    said = trial_texts(text)
    assert "nothing matches /fell|declin/" in said
    assert '{ "query": "SELECT FROM sales GROUP BY", "limit": 100 }' in said
    assert said.count("kept from a session that was stopped") == 3


def test_errors_are_told_apart_from_failures() -> None:
    said = text_of(evaluation(unmeasured()))
    assert "RateLimitError 429 Too Many Requests after 5 tries" in said
    assert "house_style KeyError: 'tone'" in said
    assert "Errors are not failures" in said


def test_a_stale_case_says_what_to_do() -> None:
    said = text_of(evaluation(stale()))
    assert "step 4 was recorded as 'run_sql', and the code reached 'query_sales'" in said
    assert "capture a run made with the code as it is now" in said
    assert "ran again" not in said


def test_a_case_that_is_not_red_is_marked() -> None:
    assert text_of(evaluation(hostile())).count("not red") == 3


def test_the_same_evaluation_gives_the_same_page() -> None:
    assert render(everything()) == render(everything())


def test_the_gate_and_the_comparison_of_variants_are_on_the_page() -> None:
    text = render(gated(hostile=True))
    assert "before 29 of 30 (97%)" in text
    assert "this branch changes the baseline" in text
    assert "Variants beside current" in text
    assert "<script>alert" not in text


def test_write_leaves_its_three_files_and_keeps_them_out_of_git_in_a_folder_that_it_makes(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "reports" / "agent-evals"
    page = write(realistic(), folder, title="analyst")
    assert page == folder / "report.html"
    files = [".gitignore", "report.html", "results.json", "summary.md"]
    assert sorted(file.name for file in folder.iterdir()) == files
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    status = ["git", "-C", str(tmp_path), "status", "--porcelain"]
    assert subprocess.run(status, check=True, capture_output=True, text=True).stdout == ""
    assert page.read_text(encoding="utf-8") == render(realistic(), title="analyst")
    assert len(read(folder / "results.json").cases) == 5


def test_a_folder_of_the_users_gets_no_gitignore(tmp_path: Path) -> None:
    write(evaluation(), tmp_path)
    assert not (tmp_path / ".gitignore").exists()


def test_hostile_text_can_be_written(tmp_path: Path) -> None:
    write(everything(), tmp_path, title=HOSTILE)


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    write(realistic(), tmp_path)
    write(evaluation(), tmp_path)
    assert "No case was run." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ReforkError, match=r"no report in '.*taken': .*; name another folder") as raised:
        write(evaluation(), tmp_path / "taken")
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ReforkError, match="Permission denied"):
        write(evaluation(), tmp_path)


def test_a_tail_shows_its_steps_with_their_arguments_and_its_result() -> None:
    page = text_of(evaluation(tail()))
    for said in ("tool refund", '{"amount": 500}', "refunded 500", "mail() is not there", "Refunded 500."):
        assert said in page


def test_a_tail_is_compared_with_what_production_called() -> None:
    page = text_of(evaluation(tail()))
    assert "6 of 10 did exactly this" in page
    assert page.count("The same tool calls as in production.") == 1
    assert page.count("The same tool calls as in production, with other arguments.") == 2
    assert page.count("Production called refund, mail.") == 1 + 1


def test_a_users_turns_stand_in_a_tail_and_those_that_answer_other_words_are_marked() -> None:
    page = text_of(evaluation(conversation()))
    assert page.count("user Where is my lamp?") == 2
    assert page.count("user said nothing more") == 1
    assert page.count("recorded as the answer to other words") == 1


def test_a_step_or_a_tool_by_which_the_user_speaks_is_shown_as_the_user() -> None:
    heard = Step(number=2, name="ask_user", output="In March.", arguments={"said": "When?"}, user=True)
    assert step_line(heard) == 'user ask_user {"said": "When?"}: In March.'
    assert step_line(heard, {2}).endswith(": In March. (recorded as the answer to other words)")
    silent = Step(number=3, name="ask", kind=StepKind.TOOL, tool="ask", user=True)
    assert step_line(silent) == "user said nothing more"


def test_of_a_long_tail_the_middle_is_left_out_and_said_to_be() -> None:
    page = text_of(evaluation(tail()))
    assert "20 steps left out here; results.json holds them all." in page
    assert "tool_32" in page
    assert '{"n": 33}' not in page
    assert '{"n": 53}' in page


def test_an_empty_result_of_a_tail_is_said_to_be_empty() -> None:
    assert text_of(evaluation(tail())).count("The result is empty.") == 1
