"""Allocates numbers of steps that run later: with DBOS's own function since 3.4, by its internals before."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

import dbos._core as dbos_core
import dbos._dbos as dbos_module
from dbos import DBOS
from dbos._context import get_local_dbos_context


class Reservation(Protocol):
    """The number of a step, which runs once, in the workflow that reserved it."""

    @property
    def step_id(self) -> int: ...

    async def run_async(self, options: Any, function: Callable[[], Coroutine[Any, Any, Any]], /) -> Any: ...


def reserve_step() -> Reservation:
    """Reserve the number of the calling workflow's next step."""
    public: Any = getattr(DBOS, "reserve_step", None)
    if public is not None:
        return cast(Reservation, public())
    context: Any = get_local_dbos_context()
    return _Reservation(context.snapshot_step_ctx())


class _Reservation:
    def __init__(self, context: Any) -> None:
        self._context = context

    @property
    def step_id(self) -> int:
        number: int = self._context.function_id
        return number

    async def run_async(self, options: Any, function: Callable[[], Coroutine[Any, Any, Any]], /) -> Any:
        core: Any = dbos_core
        return await core.invoke_step(
            dbos_module._get_dbos_instance(),
            self._context,
            function,
            (),
            {},
            step_name=options["name"],
            retries_allowed=False,
            interval_seconds=1.0,
            max_attempts=1,
            backoff_rate=1.0,
        )
