"""Changes a message of the user at its source: the argument of the workflow, or the output of the step, that it was."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from refork.errors import BadInputError
from refork.records import Case, Run, StepKind
from refork.records.variant import USER, Variant
from refork.text.lines import one_line

_TEXT_PARTS = ("text", "content")


def with_messages(run: Run, case: Case, variant: Variant) -> Run:
    """Return ``run`` with other texts wherever the texts of the changed messages came from.

    A replay runs the code, which would put a message of the request together again: so the text is changed in the
    workflow's arguments and in the outputs of steps before the fork point. Raises BadInputError where it is in none.
    """
    for place, text in variant.messages.items():
        old = _text_at(case, variant, place)
        changed = _replaced(run, old, text, below=case.step)
        if changed == run and text != old:
            raise BadInputError(
                f"variant {variant.name!r}: the text of message {place!r}, {one_line(old, 60)!r}, is neither an "
                "argument of the workflow nor the output of a step before the fork point, so the code makes it; "
                "change what it is made of under step_outputs"
            )
        run = changed
    return run


def _text_at(case: Case, variant: Variant, place: int | str) -> str:
    request = case.fork_point.request
    messages = list(_user_messages(None if request is None else request.input))
    if not messages:
        raise BadInputError(
            f"variant {variant.name!r} changes a message, and no message of the user is recorded at step {case.step}; "
            "change a step under step_outputs instead"
        )
    found = dict(messages)
    position = messages[-1][0] if place == USER else place
    if not isinstance(position, int) or position not in found:
        known = ", ".join(str(each) for each in found)
        raise BadInputError(
            f"variant {variant.name!r} changes message {place!r}, which is not one of the user's in the input of "
            f"step {case.step}; those are: {known}, or {USER!r} for the last one"
        )
    return found[position]


def _user_messages(given: Any) -> Iterator[tuple[int, str]]:
    """The texts of the user's messages with their positions, as frameworks and wire formats write them."""
    messages: list[Any] = given if isinstance(given, list) else [given]
    for position, message in enumerate(messages):
        text = message if isinstance(message, str) else _user_text(message)
        if text is not None:
            yield position, text


def _user_text(message: Any) -> str | None:
    if not isinstance(message, Mapping):
        return None
    if message.get("role") == "user":
        return _content(message.get("content", message.get("parts")))
    parts = message.get("parts")  # of Pydantic AI
    prompts = [each for each in parts if _is_user_prompt(each)] if isinstance(parts, list) else []
    return _content(prompts[-1].get("content")) if prompts else None


def _is_user_prompt(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("part_kind") == "user-prompt"


def _content(content: Any) -> str | None:
    """The text of a message: its content, or the text of the only part that it has."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and len(content) == 1:
        only: Any = content[0]
        parts = [only.get(name) for name in _TEXT_PARTS] if isinstance(only, Mapping) else [only]
        return next((text for text in parts if isinstance(text, str)), None)
    return None


def _replaced(run: Run, old: str, new: str, *, below: int) -> Run:
    steps = tuple(
        replace(step, output=_in(step.output, old, new))
        if step.number < below and step.kind is not StepKind.MODEL
        else step
        for step in run.steps
    )
    args, kwargs = tuple(_in(arg, old, new) for arg in run.args), _in(run.kwargs, old, new)
    return replace(run, args=args, kwargs=kwargs, steps=steps)


def _in(value: Any, old: str, new: str) -> Any:
    """``value`` with every text that is ``old`` replaced."""
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, dict):
        return {key: _in(each, old, new) for key, each in value.items()}
    return [_in(each, old, new) for each in value] if isinstance(value, list) else value
