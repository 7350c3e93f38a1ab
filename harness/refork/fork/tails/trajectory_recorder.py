"""What a tail did from the fork point on: its checkpoints, and the tool calls that they were made for."""

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
    """Notes what a tail is about to do, from any thread; ``steps`` joins it with what was kept."""

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
        """A step that asks no model; ``inside`` a tool call that was noted already, it is a part of that.

        ``user`` says that it brings a turn of the user's.
        """
        with self._lock:
            self._requests.pop(step.number, None)
            self._steps[step.number] = (tool, encoded_arguments(step))
            if inside:
                self._inside.add(step.number)
            if user:
                self._users.add(step.number)

    def tool(self, number: int, name: str, arguments: Any, *, user: bool = False) -> int:
        """A tool call, made when the next step would have been ``number``. Gives its place, for ``told``."""
        step = Step(number=number, name=name, kind=StepKind.TOOL, tool=name, arguments=arguments, user=user)
        with self._lock:
            self._tools.append(step)
            return len(self._tools) - 1

    def turn(self, number: int, received: Step) -> None:
        """A turn of the user's, or a wait that ran out, which left no checkpoint."""
        with self._lock:
            self._tools.append(replace(received, number=number, started_at=None, completed_at=None))

    def told(self, place: int, output: Any = None, error: BaseException | None = None) -> None:
        """What a tool call gave, or raised."""
        try:
            encoded = encode(output)
        except ValueNotPortableError:
            encoded = str(output)
        failed = None if error is None else RecordedError(type=type(error).__name__, message=text_of(error))
        with self._lock:
            self._tools[place] = replace(self._tools[place], output=encoded, error=failed)

    def steps(self, cached: Sequence[Checkpoint], *, first: int) -> tuple[Step, ...]:
        """Every step from the fork point on, in the order in which it began, numbered from ``first`` on."""
        steps = [step for _, step in self.numbered(cached)]
        return tuple(replace(step, number=first + place) for place, step in enumerate(steps))

    def numbered(self, cached: Sequence[Checkpoint]) -> tuple[tuple[int, Step], ...]:
        """The same, each with the number that it has in the fork."""
        raw = [RawStep(number=c.number, name=c.name, output=c.output, error=c.error) for c in cached]
        described = [Description() for _ in raw] if self._framework is None else self._framework.describe(raw)
        with self._lock:
            own = [
                self._joined(checkpoint, told)
                for checkpoint, told in zip(cached, described, strict=True)
                if checkpoint.number not in self._inside
            ]
            # A call that was answered from the record took no number: it came before the step of that number.
            steps = sorted([*self._tools, *own], key=lambda step: step.number)
        return tuple((step.number, step) for step in steps)

    def _joined(self, cached: Checkpoint, told: Description) -> Step:
        request = self._requests.get(cached.number)
        tool, arguments = self._steps.get(cached.number, (None, None))
        is_model = request is not None or told.kind is StepKind.MODEL
        tool = None if is_model else tool or told.tool
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
            usage=self._usage(cached.number) or told.usage,
            user=cached.number in self._users,
            answer=told.answer or (answer_of(cached.output) if is_model and cached.error is None else None),
        )
