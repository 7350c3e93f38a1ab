"""A recorded run: one execution of a workflow, its steps, and what was sent and answered at each."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from pydantic import ConfigDict

from refork.records.usage import Usage, total_usage

Json: TypeAlias = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""Plain JSON. Values of the application are encoded by :mod:`refork.values`."""

_STRICT = ConfigDict(extra="forbid")


class StepKind(StrEnum):
    MODEL = "model"
    TOOL = "tool"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool as it was offered to the model: its JSON schema is what the model saw."""

    __pydantic_config__ = _STRICT

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that was, or would be, sent to the model at one step.

    ``input`` is the framework's own list of messages as JSON; ``settings`` holds only what was set.
    """

    __pydantic_config__ = _STRICT

    agent: str | None = None
    model: str | None = None
    prompt: str | None = None
    input: Any = None
    tools: tuple[Tool, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    output_schema: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool call as the model wrote it. ``arguments`` is a string where the model's JSON does not parse."""

    __pydantic_config__ = _STRICT

    name: str
    arguments: Any = None


class Ending(StrEnum):
    """The way in which an answer ended, if it was cut off, filtered or refused, or is empty."""

    CUT_OFF = "cut-off"
    FILTERED = "filtered"
    REFUSED = "refused"
    EMPTY = "empty"

    @property
    def words(self) -> str:
        """Describe the ending in words that continue a sentence about an answer: "was cut off at max_tokens"."""
        return _ENDINGS[self]


_ENDINGS: Final = {
    Ending.CUT_OFF: "cut off at max_tokens",
    Ending.FILTERED: "filtered by the provider",
    Ending.REFUSED: "refused by the model",
    Ending.EMPTY: "empty",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A model's answer at one step: text, tool calls, or both.

    ``structured`` is the parsed answer if the step requested JSON and the text is JSON. ``ending`` is None for an
    answer that ended normally.
    """

    __pydantic_config__ = _STRICT

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    structured: Any = None
    ending: Ending | None = None


@dataclass(frozen=True, kw_only=True)
class RecordedError:
    """An exception that a step or a run ended with."""

    __pydantic_config__ = _STRICT

    type: str
    message: str
    value: Any = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """A checkpoint of a run. ``output`` is the encoded value (:mod:`refork.values`), None if the step failed.

    ``agent``, ``tool``, ``model``, ``answer`` and ``usage`` come from the framework. ``request`` and ``arguments``
    are known only after a replay, since DBOS does not record them; ``arguments`` are those of the step's function, as
    :func:`refork.values.encode` writes ``{name: value}``. ``user`` says that the output is a turn of the user,
    according to a rule of the project.
    """

    __pydantic_config__ = _STRICT

    number: int
    name: str
    kind: StepKind = StepKind.OTHER
    agent: str | None = None
    tool: str | None = None
    model: str | None = None
    arguments: Any = None
    output: Any = None
    error: RecordedError | None = None
    child_run: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    usage: Usage | None = None
    answer: Answer | None = None
    request: Request | None = None
    user: bool = False

    @property
    def seconds(self) -> float | None:
        """Wall time in seconds; None if DBOS recorded no times."""
        if self.started_at is None or self.completed_at is None:
            return None
        return max(0.0, (self.completed_at - self.started_at).total_seconds())

    @property
    def label(self) -> str | None:
        """The agent's name for a model step, the tool's for a tool step."""
        return self.agent if self.kind is StepKind.MODEL else self.tool


@dataclass(frozen=True, kw_only=True)
class Run:
    """One recorded execution of a workflow. ``args``, ``kwargs`` and ``output`` are encoded values."""

    __pydantic_config__ = _STRICT

    id: str
    workflow: str
    status: str
    class_name: str | None = None
    config_name: str | None = None
    application_name: str | None = None
    application_version: str | None = None
    authenticated_user: str | None = None
    authenticated_roles: tuple[str, ...] | None = None
    assumed_role: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])
    output: Any = None
    error: RecordedError | None = None
    framework: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def usage(self) -> Usage:
        return total_usage(step.usage for step in self.steps)

    @property
    def seconds(self) -> float | None:
        """Wall time of the run in seconds, from the first to the last recorded moment.

        DBOS keeps a run's own times in whole seconds on SQLite, its steps' in milliseconds.
        """
        starts = [self.created_at, *(step.started_at for step in self.steps)]
        ends = [self.completed_at, *(step.completed_at for step in self.steps)]
        start = min((moment for moment in starts if moment is not None), default=None)
        end = max((moment for moment in ends if moment is not None), default=None)
        return None if start is None or end is None else max(0.0, (end - start).total_seconds())

    def step(self, number: int) -> Step | None:
        return next((step for step in self.steps if step.number == number), None)
