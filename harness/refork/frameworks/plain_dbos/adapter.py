"""Adapts plain DBOS workflows, whose steps call a model's client themselves, without a framework.

A step whose checkpoint contains a model's answer is a model step. Its prompt is known if it came from
``refork.prompt``, which is called in the workflow, with the text passed to the step, or within the step. A variant
changes that text, so each variant has a fork of its own.
"""

import hashlib
import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from refork.errors import BadInputError, ValueNotPortableError
from refork.frameworks.plain_dbos.step_code import code_of
from refork.frameworks.protocol import (
    Description,
    ModelCall,
    RawStep,
    Reply,
    StepCall,
    StepRun,
    ToolResult,
    Watcher,
)
from refork.http_calls import carry, in_thread, watch_here
from refork.http_calls.client_responses import answer_of, is_response, model_of, register, usage_of
from refork.production import hooks
from refork.prompts.candidates import PLAIN
from refork.records import Request, Run, StepKind
from refork.records.usage import Usage, total_usage
from refork.records.variant import Variant
from refork.values import DEFAULT, Registry, encode

NAME: Final = PLAIN
DBOS_PREFIX: Final = "DBOS."


@dataclass
class _Trial:
    """The tokens that a running step has reported, and the names of the prompts that it has rendered."""

    usages: list[Usage] = field(default_factory=list[Usage])
    prompts: list[str] = field(default_factory=list[str])


_trial: ContextVar[_Trial | None] = ContextVar("refork_plain_trial", default=None)
carry(_trial)


@dataclass
class _Prompts:
    """A :class:`refork.production.hooks.ActiveSession` that notes the prompts which each fork's workflow renders.

    ``rendered_in`` maps a run id to pairs of a prompt's name and its text, in order.
    """

    watcher: Watcher
    rendered_in: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])

    def variant(self, name: str) -> Variant | None:
        return self.watcher.variant(name)

    def rendered(self, name: str, text: str, _variables: Mapping[str, Any]) -> None:
        trial, here = _trial.get(), hooks.run_here()
        if trial is not None:
            trial.prompts.append(name)
        elif here is not None:
            self.rendered_in.setdefault(here[0], []).append((name, text))

    def used(self, usage: Usage, _model: str | None) -> None:
        trial = _trial.get()
        if trial is not None:
            trial.usages.append(usage)

    def here(self) -> Sequence[tuple[str, str]]:
        run = hooks.run_here()
        return () if run is None else self.rendered_in.get(run[0], ())


@dataclass(frozen=True)
class PlainSteps:
    """The :class:`refork.frameworks.protocol.Framework` for steps that call a model's client themselves.

    ``models`` are the names of the steps that called a model in the recorded run, because a step's arguments do not
    show whether it calls one.
    """

    models: frozenset[str] = frozenset()
    name: str = NAME
    forks_per_variant: bool = True

    def of_run(self, run: Run) -> "PlainSteps":
        return PlainSteps(frozenset(step.name for step in run.steps if step.kind is StepKind.MODEL))

    def recognises(self, step_names: Sequence[str]) -> bool:
        """Return whether the run has any step of the application. Every other framework is tried before."""
        return any(not name.startswith(DBOS_PREFIX) for name in step_names)

    def describe(self, steps: Sequence[RawStep]) -> Sequence[Description]:
        register(DEFAULT)  # reading the outputs has imported their classes
        return [_described(step) for step in steps]

    def register(self, registry: Registry) -> None:
        register(registry)

    def importable(self) -> AbstractContextManager[None]:
        return nullcontext()

    def intercept(self, watcher: Watcher) -> AbstractContextManager[None]:
        return _evaluating(_Prompts(watcher))

    def tool_results(self, _request: Request) -> Sequence[ToolResult]:
        return ()

    def model_call(self, step: StepCall) -> ModelCall | None:
        return self.run_of(step) if step.name in self.models else None

    def run_of(self, step: StepCall, *, live: bool = False) -> "PlainCall":
        """Return a run of any step's code as a model call; ``live`` says that it may act."""
        prompts = _evaluation()
        call = PlainCall(step, prompts, live=live)
        tried, handed = prompts.watcher.variant_of(step.name), call.handed
        if tried is None and handed is not None:
            tried = prompts.watcher.variant(handed[0])
        return replace(call, tried=tried)


@dataclass(frozen=True)
class PlainCall(StepRun):
    """A :class:`refork.frameworks.protocol.StepRun` of a step that calls a model.

    ``tried`` is the candidate for the prompt that the step sends; None for ``current``.
    """

    step: StepCall
    prompts: _Prompts
    tried: Variant | None = None
    live: bool = False

    @property
    def step_name(self) -> str:
        return self.step.name

    @property
    def runs_in_step(self) -> bool:
        return True

    @property
    def code(self) -> str:
        """A digest of the step's source code and prompts, which make up the request."""
        return code_of(self.step.function)

    @property
    def request(self) -> Request:
        """The step's arguments as a request. Its prompt is known if an argument contains one that was just rendered."""
        name, text = self.handed or (None, None)
        tried = self.prompts.watcher.variant(name)
        return Request(
            agent=name,
            prompt=text,
            input=_encoded(self.step.arguments),
            settings={} if tried is None or text is not None else {"candidate": _digest(tried)},
        )

    def changed(self, variant: Variant) -> ModelCall:
        if variant.changes_call:
            raise BadInputError(
                f"variant {variant.name!r} cannot be tried in a call of step {self.step.name!r}, whose prompt is "
                "rendered before it runs: let its framework have a fork for each variant (forks_per_variant)"
            )
        return self

    def candidate(self) -> Variant | None:
        """Return the variant without its prompt if ``refork.prompt`` has rendered that; None if nothing is left."""
        tried = self.tried
        if tried is not None and self._is_rendered(_trial.get()):
            tried = replace(tried, template=None)
        return tried if tried is not None and tried.changes_call else None

    async def send(self) -> Reply:
        with self.running() as check:
            output = await called(self.step)
            check()
            said = _trial.get() or _Trial()
        return Reply(
            answer=answer_of(output),
            raw=encode(output),
            usage=total_usage(said.usages) if said.usages else usage_of(output),
            reported=bool(said.usages),
        )

    @contextmanager
    def running(self) -> Generator[Callable[[], None]]:
        said = _Trial()
        token = _trial.set(said)
        try:
            yield lambda: self._check_tried(said)
        finally:
            _trial.reset(token)

    @property
    def handed(self) -> tuple[str, str] | None:
        """The name and text of the ``refork.prompt`` that an argument contains; None if there is none."""
        texts = [*_texts(list(self.step.arguments.values()))]
        for name, prompt in reversed(self.prompts.here()):
            if prompt and any(prompt in text for text in texts):
                return name, prompt
        return None

    def _rendered(self, said: _Trial | None) -> set[str]:
        return {*(said.prompts if said is not None else ()), *(name for name, _ in self.prompts.here())}

    def _is_rendered(self, said: _Trial | None) -> bool:
        """Return whether ``refork.prompt`` has rendered the candidate."""
        return any(self.prompts.watcher.variant(name) is not None for name in self._rendered(said))

    def _check_tried(self, said: _Trial) -> None:
        """Raise BadInputError if the candidate was not used, because ``current`` would be measured in its place."""
        tried = self.tried
        if tried is None or is_changed():
            return
        of_step = f"step {self.step.number} ({self.step.name!r})"
        if not self._is_rendered(said):
            names = ", ".join(map(repr, sorted(self._rendered(said)))) or "none"
            raise BadInputError(
                f"variant {tried.name!r} was not used: {of_step} sent no request to a model that could be seen, "
                f"and uses no refork.prompt of the case's agent (prompts that were rendered: {names}); render its "
                "prompt with refork.prompt, or use a client that docs/production.md lists"
            )
        if tried.overrides:
            raise BadInputError(
                f"variant {tried.name!r}: {tried.overrides[0]!r} cannot be tried: {of_step} sent no request to a "
                "model that could be seen; leave it out of the front matter"
            )


@contextmanager
def noted_prompts() -> Generator[list[str]]:
    """Collect the names of the prompts that ``refork.prompt`` renders in the block, in order."""
    said = _Trial()
    token = _trial.set(said)
    try:
        yield said.prompts
    finally:
        _trial.reset(token)


async def called(step: StepCall) -> Any:
    """Call the step's function and return its result. A synchronous one runs in a thread of its own."""
    if inspect.iscoroutinefunction(step.function):
        return await step.function(*step.args, **step.kwargs)
    return await in_thread(partial(step.function, *step.args, **step.kwargs))


def is_changed() -> bool:
    """Return whether a candidate was used in a request of the calling code."""
    watch = watch_here()
    return watch is not None and watch.changed


def _described(step: RawStep) -> Description:
    if step.name.startswith(DBOS_PREFIX) or not is_response(step.output):
        return Description()
    return Description(
        kind=StepKind.MODEL,
        usage=usage_of(step.output),
        answer=answer_of(step.output),
        model=model_of(step.output),
    )


@contextmanager
def _evaluating(prompts: _Prompts) -> Generator[None]:
    before, hooks.evaluation = hooks.evaluation, prompts
    try:
        yield
    finally:
        hooks.evaluation = before


def _evaluation() -> _Prompts:
    found = hooks.evaluation
    assert isinstance(found, _Prompts), "calls are reported only while a session is open"
    return found


def _encoded(arguments: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        try:
            found[name] = encode(value)
        except ValueNotPortableError:  # such as a client: only shown, never read back
            found[name] = f"({type(value).__name__})"
    return found


def _digest(variant: Variant) -> str:
    return hashlib.sha256((variant.template or "").encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _texts(value: object) -> Generator[str]:
    """Yield every text in an argument."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
