"""Two recorded runs side by side: which steps belong together, and what differs in each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from refork.records import Run, Step
from refork.text.numbers import plural
from refork.values.shown import untagged

from refork_reports.sentences.steps import call_line, compact
from refork_reports.views.run_pages.side_by_side import Passage, Section, SideBySide


@dataclass(frozen=True, kw_only=True)
class StepPair:
    """A step of one run and the step of the other in its place; one of them is None if only one run has it."""

    before: Step | None
    after: Step | None

    @property
    def arguments(self) -> tuple[str, str]:
        return _text(self.before, arguments_of), _text(self.after, arguments_of)

    @property
    def outputs(self) -> tuple[str, str]:
        return _text(self.before, output_of), _text(self.after, output_of)

    @property
    def is_equal(self) -> bool:
        """Return whether both runs have the step, with equal arguments and outputs."""
        if self.before is None or self.after is None:
            return False
        return self.arguments[0] == self.arguments[1] and self.outputs[0] == self.outputs[1]


def paired(before: Sequence[Step], after: Sequence[Step]) -> tuple[StepPair, ...]:
    """Return the steps of two runs in order. Steps belong together by kind and name, whatever they gave."""
    matcher = SequenceMatcher(
        None, [_key(step) for step in before], [_key(step) for step in after], autojunk=False
    )
    pairs: list[StepPair] = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            pairs += [StepPair(before=a, after=b) for a, b in zip(before[i:j], after[k:m], strict=True)]
        else:
            pairs += [StepPair(before=step, after=None) for step in before[i:j]]
            pairs += [StepPair(before=None, after=step) for step in after[k:m]]
    return tuple(pairs)


def first_difference(pairs: Sequence[StepPair]) -> StepPair | None:
    """Return the first pair that is not equal."""
    return next((pair for pair in pairs if not pair.is_equal), None)


def runs_beside(before: Run, after: Run, pairs: Sequence[StepPair]) -> SideBySide:
    """Return the comparison of two runs, a section for each pair of steps."""
    return SideBySide(
        first=_facts(before), second=_facts(after), sections=tuple(map(_section, pairs)), unit="step"
    )


def _facts(run: Run) -> tuple[str, ...]:
    return (run.id, run.workflow, run.status, plural(len(run.steps), "step"))


def _section(pair: StepPair) -> Section:
    texts = {"arguments": pair.arguments, "output": pair.outputs}
    return Section(
        title=_title(pair),
        passages=tuple(
            Passage(title=title, before=before, after=after)
            for title, (before, after) in texts.items()
            if before or after
        ),
        only="first" if pair.after is None else "second" if pair.before is None else None,
    )


def _title(pair: StepPair) -> str:
    step = pair.before or pair.after
    if step is None:
        raise ValueError("a pair has a step")
    if pair.before is None or pair.after is None:
        which = "first" if pair.after is None else "second"
        return f"step {step.number}, {name_of(step)}, only in the {which} run"
    numbers = {pair.before.number, pair.after.number}
    shown = (
        f"step {step.number}" if len(numbers) == 1 else f"steps {pair.before.number} and {pair.after.number}"
    )
    return f"{shown}, {name_of(step)}"


def name_of(step: Step) -> str:
    """The agent's or the tool's name, else the step's own."""
    return step.label or step.name


def arguments_of(step: Step) -> str:
    """Return the arguments of a step as text; empty where no replay found it."""
    return "" if step.arguments is None else compact(untagged(step.arguments))


def output_of(step: Step) -> str:
    """Return the result of a step as text: its error, the model's text and tool calls, or its value."""
    if step.error is not None:
        return f"{step.error.type}: {step.error.message}"
    if step.answer is not None:
        return "\n".join(_parts(step))
    shown = untagged(step.output)
    return shown if isinstance(shown, str) else "" if shown is None else compact(shown)


def _parts(step: Step) -> Iterator[str]:
    if step.answer is None:
        return
    if step.answer.text:
        yield step.answer.text
    yield from map(call_line, step.answer.tool_calls)


def _key(step: Step) -> tuple[str, str]:
    return step.kind.value, name_of(step)


def _text(step: Step | None, read: Callable[[Step], str]) -> str:
    return "" if step is None else read(step)
