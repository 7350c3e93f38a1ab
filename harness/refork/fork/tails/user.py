"""Plays the user in a tail: with the recorded turns, or with a stub."""

import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from refork.dbos.replay.receives import receiving
from refork.errors import ForkError, ToolDeniedError
from refork.fork.event_loops import run_on_event_loop
from refork.fork.tails.tool_access import ToolAccess, recorded_output
from refork.records import Step
from refork.redaction.error_text import summary
from refork.tool_policy import RECEIVE, Action, Rule, ToolPolicy
from refork.tool_policy.conversation import Turn
from refork.tool_policy.stubs import accepted, stub_for
from refork.values import encode


class ConversationOverError(ForkError):
    """The code waits for another turn of the user's, and there is none."""


class User:
    """Returns the user's turns, for ``DBOS.recv`` and for the steps and tools that the policy names.

    After the last turn one wait by ``DBOS.recv`` runs out, as in production if nobody answers. If the code waits again
    after that, the conversation is over. For a step or a tool it is over at once.
    """

    def __init__(
        self,
        policy: ToolPolicy,
        stubs: Mapping[str, Callable[..., Any]],
        access: ToolAccess,
    ) -> None:
        self._policy = policy
        self._stubs = stubs
        self._access = access
        self._silent = False
        self.world: Any = None

    def turn(self, number: int, so_far: Callable[[], Sequence[Turn]]) -> Step:
        """Return the next turn as the result of the wait that would be step ``number``.

        Raises ToolDeniedError, ConversationOverError, and ForkError if the stub raised.
        """
        rule = self._policy.rule_for(RECEIVE)
        if rule.action is Action.DENY:
            raise ToolDeniedError(
                f"{RECEIVE!r} is denied, so no user can answer; remove the rule in [tool.refork.tools], or name a stub"
            )
        if rule.action is Action.STUB:
            step: Step | None = self._of_stub(rule, number, so_far)
        else:
            step = self._access.received()
        spoke = step is not None and step.output is not None
        if not spoke and self._silent:
            raise ConversationOverError("the user's turns are over, and the code goes on waiting for one")
        self._silent = not spoke
        return Step(number=number, name=RECEIVE) if step is None else step

    def _of_stub(self, rule: Rule, number: int, so_far: Callable[[], Sequence[Turn]]) -> Step:
        said = self._ask(rule, RECEIVE, receiving(), so_far)
        with _named(rule):
            output = encode(run_on_event_loop(said) if inspect.iscoroutine(said) else said)
        return Step(number=number, name=RECEIVE, output=output)

    def answers(self, name: str) -> bool:
        """Return whether a step or a tool of this name returns a turn of the user's, and is not denied."""
        return self._policy.is_user(name) and self._policy.action_for(name) in (Action.REPLAY, Action.STUB)

    async def answer(
        self, name: str, arguments: Mapping[str, Any], so_far: Callable[[], Sequence[Turn]]
    ) -> Callable[[], Any]:
        """Return a function that returns, or raises, what such a step or tool does.

        Raises ConversationOverError, and ForkError if the stub raised.
        """
        rule = self._policy.rule_for(name)
        if rule.action is Action.STUB:
            said = self._ask(rule, name, arguments, so_far)
            output = await _awaited(rule, said) if inspect.isawaitable(said) else said
            if output is None:
                raise ConversationOverError("the stub that stands for the user says no more")
            return lambda: output
        turn = self._access.said(name)
        if turn is None:
            raise ConversationOverError("the user's recorded turns are over")
        return lambda: recorded_output(turn)

    def _ask(
        self, rule: Rule, name: str, given: Mapping[str, Any], so_far: Callable[[], Sequence[Turn]]
    ) -> Any:
        function = stub_for(rule, name, self._stubs)
        assert function is not None, "stubs are looked for before a session"
        turns = [{"role": turn.role, "text": turn.text} for turn in so_far()]
        with _named(rule):
            return function(**accepted(function, {**given, "world": self.world, "turns": turns}))


async def _awaited(rule: Rule, said: Awaitable[Any]) -> Any:
    with _named(rule):
        return await said


@contextmanager
def _named(rule: Rule) -> Generator[None]:
    """Add the name of the stub to an error that it raises."""
    try:
        yield
    except Exception as error:
        raise ForkError(
            f"the stub {rule.stub or rule.pattern!r}, which stands for the user, raised {summary(error)}"
        ) from error
