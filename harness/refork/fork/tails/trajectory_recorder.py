"""Records what a tail does from the fork point on: its steps, and the tool calls that are no steps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from refork.dbos.evals_database.checkpoints import Checkpoint
from refork.errors import ValueNotPortableError
from refork.fork.step_arguments import encoded_arguments
from refork.frameworks.protocol import Description, Framework, RawStep, StepCall
from refork.records import RecordedError, Request, Step, StepKind
from refork.records.usage import Usage
from refork.records.workflow_result import answer_of
from refork.redaction.error_text import text_of
from refork.values import encode


class TrajectoryRecorder:
    """Notes what a tail is about to do, from any thread. ``steps`` joins these notes with the checkpoints.

    ``usage`` returns the tokens of a step by its number in the fork; None if they are unknown.
    """

    def __init__(
        self, framework: Framework | None, usage: Callable[[int], Usage | None] = lambda _number: None
    ) -> None:
        self._framework = framework
        self._usage = usage
        self._lock = Lock()
        self._requests: dict[int, Request] = {}
        self._steps: dict[int, tuple[str | None, Any]] = {}
        self._tools: list[Step] = []
        self._inside: set[int] = set()
        self._users: set[int] = set()

    def model(self, number: int, request: Request) -> None:
        with self._lock:
            self._requests[number] = request

    def step(self, step: StepCall, *, tool: str | None, inside: bool, user: bool = False) -> None:
        """Note a step that calls no model. ``inside`` says that it is part of a tool call that was noted already.

        ``user`` says that it returns a turn of the user's.
        """
        with self._lock:
            self._requests.pop(step.number, None)
            self._steps[step.number] = (tool, encoded_arguments(step))
            if inside:
                self._inside.add(step.number)
            if user:
                self._users.add(step.number)

    def tool(self, number: int, name: str, arguments: Any, *, user: bool = False) -> int:
        """Note a tool call that is no step, made before step ``number``. Return its place, for :meth:`tool_ended`."""
        step = Step(number=number, name=name, kind=StepKind.TOOL, tool=name, arguments=arguments, user=user)
        with self._lock:
            self._tools.append(step)
            return len(self._tools) - 1

    def turn(self, number: int, received: Step) -> None:
        """Note a turn of the user's, or a wait that ran out, either of which has no checkpoint."""
        with self._lock:
            self._tools.append(replace(received, number=number, started_at=None, completed_at=None))

    def tool_ended(self, place: int, output: Any = None, error: BaseException | None = None) -> None:
        """Note what a tool call returned or raised."""
        try:
            encoded = encode(output)
        except ValueNotPortableError:
            encoded = str(output)
        failed = None if error is None else RecordedError(type=type(error).__name__, message=text_of(error))
        with self._lock:
            self._tools[place] = replace(self._tools[place], output=encoded, error=failed)

    def steps(self, cached: Sequence[Checkpoint], *, first: int) -> tuple[Step, ...]:
        """Return every step from the fork point on, in the order in which they began, numbered from ``first`` on."""
        steps = [step for _, step in self.numbered(cached)]
        return tuple(replace(step, number=first + place) for place, step in enumerate(steps))

    def numbered(self, cached: Sequence[Checkpoint]) -> tuple[tuple[int, Step], ...]:
        """Return the same steps, each with its number in the fork."""
        raw = [RawStep(number=c.number, name=c.name, output=c.output, error=c.error) for c in cached]
        described = [Description() for _ in raw] if self._framework is None else self._framework.describe(raw)
        with self._lock:
            own = [
                self._joined(checkpoint, description)
                for checkpoint, description in zip(cached, described, strict=True)
                if checkpoint.number not in self._inside
            ]
            # A call that was answered from the record took no number: it came before the step of that number.
            steps = sorted([*self._tools, *own], key=lambda step: step.number)
        return tuple((step.number, step) for step in steps)

    def _joined(self, cached: Checkpoint, description: Description) -> Step:
        request = self._requests.get(cached.number)
        tool, arguments = self._steps.get(cached.number, (None, None))
        is_model = request is not None or description.kind is StepKind.MODEL
        tool = None if is_model else tool or description.tool
        return Step(
            number=cached.number,
            name=cached.name,
            kind=StepKind.MODEL if is_model else StepKind.TOOL if tool else StepKind.OTHER,
            agent=request.agent if request else None,
            model=request.model if request else None,
            tool=tool,
            arguments=None if is_model else arguments,
            output=encode(cached.output),
            error=cached.recorded_error,
            child_run=cached.child_run,
            started_at=cached.started_at,
            completed_at=cached.completed_at,
            usage=self._usage(cached.number) or description.usage,
            user=cached.number in self._users,
            answer=description.answer
            or (answer_of(cached.output) if is_model and cached.error is None else None),
        )
