"""Gives forks copies of the SDK's sessions, in which applications store conversations, and never writes to these.

A session is workflow code, so DBOS does not record it, and by the time of a replay its store also contains what the
recorded run added. The history before the run is read from the run's first request if the case contains it, otherwise
from the store, up to what the run added.
"""

import copy
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import agents.run as sdk_run
from agents import ItemHelpers, OpenAIConversationsSession, OpenAIResponsesCompactionSession
from agents.models.fake_id import FAKE_RESPONSES_ID
from pydantic_core import to_jsonable_python

from refork.errors import ApplicationError
from refork.frameworks.openai_agents.calls import MODEL_STEP, json_or_text
from refork.frameworks.protocol import Replaying, Watcher
from refork.records import Step

Items = list[Any]
_ALL: Final = 1_000_000
_REMOTE: Final = (OpenAIConversationsSession, OpenAIResponsesCompactionSession)


@contextmanager
def read_only_sessions(watcher: Watcher) -> Generator[None]:
    """Give each fork a copy of its sessions, which lasts until the block ends."""
    copies: dict[tuple[str, str], Items] = {}
    original: Callable[..., Awaitable[Any]] = sdk_run.AgentRunner.run

    async def run(self: Any, starting_agent: Any, input: Any, **options: Any) -> Any:
        session, fork = options.get("session"), watcher.replaying()
        if session is not None and fork is not None:
            items = copies.get((fork.run_id, session.session_id))
            if items is None:
                items = await _before(session, fork, input, options.get("run_config"))
                copies[fork.run_id, session.session_id] = items
            options["session"] = _Copy(session, items)
        return await original(self, starting_agent, input, **options)

    runner: Any = sdk_run.AgentRunner
    runner.run = run
    try:
        yield
    finally:
        runner.run = original


class _Copy:
    """A session in memory. What the SDK adds to it is gone when the fork is over."""

    def __init__(self, session: Any, items: Items) -> None:
        self.session_id: str = session.session_id
        self.session_settings: Any = getattr(session, "session_settings", None)
        self._items = items

    async def get_items(self, limit: int | None = None) -> Items:
        limit = getattr(self.session_settings, "limit", None) if limit is None else limit
        found = self._items if limit is None else self._items[len(self._items) - limit :] if limit > 0 else []
        return copy.deepcopy(found)

    async def add_items(self, items: Items) -> None:
        self._items.extend(copy.deepcopy(items))

    async def pop_item(self) -> Any:
        return self._items.pop() if self._items else None

    async def clear_session(self) -> None:
        self._items.clear()


async def _before(session: Any, fork: Replaying, given: Any, run_config: Any) -> Items:
    """Return the items of a session when the recorded run reached this point. Raises ApplicationError.

    ``given`` is the input that the run adds.
    """
    new = _jsonable(ItemHelpers.input_to_new_input_list(given)) if isinstance(given, str | list) else []
    first = fork.next(MODEL_STEP)
    sent = None if first is None or first.request is None else first.request.input
    # A callback of the application's has chosen from the history: what was sent is not all of it.
    chosen = getattr(run_config, "session_input_callback", None) is not None
    if isinstance(sent, list) and not chosen and sent[len(sent) - len(new) :] == new:
        return copy.deepcopy(sent[: len(sent) - len(new)])
    if isinstance(session, _REMOTE):
        raise ApplicationError(
            f"the case does not hold what session {session.session_id!r} held, and a replay does not ask the "
            f"service that keeps it ({type(session).__name__}): read the history in a DBOS step and pass it as input"
        )
    items = _jsonable(await _all_items(session))
    before = _up_to(items, new, first)
    if before is not None:
        return before
    if new and first is not None and not chosen:
        raise ApplicationError(
            f"session {session.session_id!r} holds nothing of this run, so that nobody knows what was said before it "
            f"({type(session).__name__}): let the application find the store that production wrote, or a copy of it, "
            "while the run is shown or captured; the case then needs none"
        )
    return items


async def _all_items(session: Any) -> Items:
    """Return all items of a session, even if it is set to return only the last ones."""
    limited = getattr(getattr(session, "session_settings", None), "limit", None) is not None
    items: Items = await (session.get_items(limit=_ALL) if limited else session.get_items())
    return items


def _up_to(items: Items, new: Items, first: Step | None) -> Items | None:
    """Return the items before those that the run added, which are its input ``new`` and all that follows.

    Returns None if the items do not contain that input.
    """
    count = len(new)
    for start in range(len(items) - count, -1, -1) if count else ():
        if items[start : start + count] == new:
            following = items[start + count] if start + count < len(items) else None
            if following is None or (first is not None and _says(following, first)):
                return items[:start]
    return None


def _says(item: Any, step: Step) -> bool:
    """Return whether an item of a history is the first item of a step's recorded answer."""
    if not isinstance(item, dict) or step.answer is None:
        return False
    own = item.get("call_id") or item.get("id")
    if own and own != FAKE_RESPONSES_ID:
        return str(own) in set(_texts(step.output))
    if item.get("type") == "function_call":
        called: tuple[Any, Any] = (item.get("name"), json_or_text(item.get("arguments") or ""))
        return called in [(call.name, call.arguments) for call in step.answer.tool_calls]
    parts = item.get("content")
    texts = [part.get("text", "") for part in parts] if isinstance(parts, list) else [str(parts)]
    return "".join(texts) == step.answer.text


def _texts(value: Any) -> Sequence[str]:
    """Return every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]


def _jsonable(items: Any) -> Items:
    found: Items = to_jsonable_python(items, fallback=str)
    return found
