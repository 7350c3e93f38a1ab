"""What a step would ask its model: its code is run with its recorded arguments up to its first request, and no further.

It opens no connection, writes no file and starts no process on the way; whatever it needs of that, its request is not
known. It runs outside of its workflow, so that nothing of DBOS's counts what it calls.
"""

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Final

from refork.fork.http_steps.asking import asking_of
from refork.fork.http_steps.exchanges import Unwound
from refork.frameworks.plain_dbos.adapter import noted_prompts
from refork.frameworks.protocol import StepCall
from refork.http_calls import OutgoingRequest, Received, in_thread, watching
from refork.http_calls.guards.effects import no_effects
from refork.records import Request
from refork.redaction.error_text import text_of

SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class FirstRequest:
    """``request`` is the first that a step would send, its agent the prompt of ``refork.prompt`` that was rendered
    for it. Without one, ``problem`` says why, as what the step does; ``ended`` is that the code came to its end:
    with these arguments it asks nobody."""

    request: Request | None = None
    problem: str = ""
    ended: bool = False


class _Looking:
    """:class:`refork.http_calls.Watch` that sends nothing."""

    changed = False

    def __init__(self) -> None:
        self.request: Request | None = None
        self.opens: str | None = None
        self._over = Event()

    def exchange(
        self, sent: OutgoingRequest, _send: Callable[[OutgoingRequest], Received]
    ) -> Received | None:
        self._see(sent)
        return None

    async def exchange_async(
        self, sent: OutgoingRequest, _send: Callable[[OutgoingRequest], Awaitable[Received]]
    ) -> Received | None:
        self._see(sent)
        return None

    def connects(self, what: str) -> None:
        if not self._over.is_set():
            self.opens = self.opens or what
        self._over.set()
        raise Unwound("no connection is opened")

    def _see(self, sent: OutgoingRequest) -> None:
        asking = asking_of(sent, None)
        if asking is None:
            self.connects(f"{sent.method.upper()} {sent.host}{sent.path}")
        elif not self._over.is_set():
            self.request = asking.request
        self._over.set()
        raise Unwound("nothing is sent")


async def look(step: StepCall, *, seconds: float = SECONDS) -> FirstRequest:
    """Find the request that a step's code would send first."""
    looking = _Looking()
    prompts: list[str] = []
    refused: list[str] = []
    error: BaseException | None = None
    try:
        run = contextvars.Context()
        await asyncio.wait_for(in_thread(lambda: _run(step, looking, prompts, refused), run), seconds)
    except TimeoutError:
        return FirstRequest(problem=f"takes more than {seconds:g} s to come to its request")
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:  # ours may come in a group
        error = raised
    if looking.request is not None:
        agent = prompts[-1] if prompts else None
        return FirstRequest(request=replace(looking.request, agent=agent))
    ended = looking.opens is None and not refused and error is None
    return FirstRequest(problem=_problem(looking, refused, error), ended=ended)


def _run(step: StepCall, looking: _Looking, prompts: list[str], refused: list[str]) -> None:
    with watching(looking), no_effects() as effects, noted_prompts() as noted:
        try:
            result = step.function(*step.args, **step.kwargs)
            if inspect.iscoroutine(result):
                asyncio.run(_finished(result))
        finally:
            prompts += noted
            refused += effects


async def _finished(result: Any) -> Any:
    return await result


def _problem(looking: _Looking, refused: list[str], error: BaseException | None) -> str:
    if looking.opens is not None:
        return f"opens {looking.opens} before it asks a model"
    if refused:
        return f"acts before it asks a model ({refused[0]})"
    if error is not None:
        said = " ".join(text_of(error).split())[:200]
        return f"raises {type(error).__name__}: {said}" if said else f"raises {type(error).__name__}"
    return "sends no request to a model that can be seen"
