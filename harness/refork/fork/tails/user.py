"""The user's side of a conversation in a tail: the recorded turns, or a stub that stands for the user."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from refork.dbos.replay.receives import receiving
from refork.errors import ForkError, ToolDeniedError
from refork.fork.event_loops import aside
from refork.records import Step
from refork.redaction.error_text import summary
from refork.tool_policy import RECEIVE, Action, ToolPolicy
from refork.tool_policy.conversation import Turn
from refork.tool_policy.stubs import accepted, stub_for
from refork.values import encode


class ConversationOverError(ForkError):
    """The code asks for another turn, and goes on asking where none comes."""


class User:
    """Gives the user's turns that come by ``DBOS.recv``.

    After the last one a wait runs out, as it does in production where nobody answers. Where the code waits once more
    after that, the conversation is over.
    """

    def __init__(
        self,
        policy: ToolPolicy,
        stubs: Mapping[str, Callable[..., Any]],
        recorded: Callable[[], Step | None],
    ) -> None:
        self._rule = policy.rule_for(RECEIVE)
        self._stubs = stubs
        self._recorded = recorded
        self._silent = False
        self.world: Any = None

    def turn(self, number: int, so_far: Callable[[], Sequence[Turn]]) -> Step:
        """The answer of the wait that would be step ``number``.

        Raises ToolDeniedError, ConversationOverError, and ForkError where the stub raised.
        """
        if self._rule.action is Action.DENY:
            raise ToolDeniedError(f"{RECEIVE} may not act (deny); set it under [tool.refork.tools]")
        step = self._said(number, so_far) if self._rule.action is Action.STUB else self._recorded()
        said = step is not None and step.output is not None
        if not said and self._silent:
            raise ConversationOverError("the user's turns are over, and the code goes on waiting for one")
        self._silent = not said
        return Step(number=number, name=RECEIVE) if step is None else step

    def _said(self, number: int, so_far: Callable[[], Sequence[Turn]]) -> Step:
        function = stub_for(self._rule, RECEIVE, self._stubs)
        assert function is not None, "stubs are looked for before a session"
        given = {
            **receiving(),
            "world": self.world,
            "turns": [{"role": turn.role, "text": turn.text} for turn in so_far()],
        }
        try:
            said = function(**accepted(function, given))
            output = encode(aside(said) if inspect.iscoroutine(said) else said)
        except Exception as error:
            raise ForkError(
                f"the stub {self._rule.stub!r}, which stands for the user, raised {summary(error)}"
            ) from error
        return Step(number=number, name=RECEIVE, output=output)
