"""Transactions of DBOS's datasources: steps that hide their arguments and keep checkpoints in other databases."""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import dbos._workflow_commands as dbos_commands
from dbos import AsyncSQLAlchemyDatasource, SQLAlchemyDatasource
from dbos._context import get_local_dbos_context

from refork.frameworks.protocol import StepCall

BODIES: Final = (
    f"{SQLAlchemyDatasource.run_tx_step.__qualname__}.<locals>._body",
    f"{AsyncSQLAlchemyDatasource.run_tx_step_async.__qualname__}.<locals>._body",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class TransactionCall(StepCall):
    """A transaction. ``function`` opens it and takes no arguments; ``inside`` is what it calls, with its own
    arguments.
    """

    inside: StepCall

    @property
    def arguments(self) -> dict[str, Any]:
        return self.inside.arguments


class Transactions:
    """Knows the transactions among the steps of a session, and which workflows have run one."""

    def __init__(self) -> None:
        self._ran: set[str] = set()

    def seen(self, step: StepCall) -> StepCall:
        """Return the transaction of a datasource in place of the step that DBOS runs it in; any other step as it is."""
        if getattr(step.function, "__qualname__", None) not in BODIES:
            return step
        free = inspect.getclosurevars(step.function).nonlocals
        inside = StepCall(
            number=step.number,
            name=step.name,
            function=free["func"],
            args=free["args"],
            kwargs=free["kwargs"],
        )
        return TransactionCall(
            number=step.number, name=step.name, function=self._noting(step.function), inside=inside
        )

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run() -> Any:
            self._note()
            return function()

        async def run_async() -> Any:
            self._note()
            return await function()

        return run_async if inspect.iscoroutinefunction(function) else run

    def _note(self) -> None:
        context = get_local_dbos_context()
        if context is not None:
            self._ran.add(context.workflow_id)

    @contextmanager
    def nothing_to_tidy(self) -> Generator[None]:
        """Keep a workflow that only replayed its transactions from deleting their checkpoints. DBOS deletes them at its
        end in each database that it used, even if only in replay.

        One that ran no transaction has none, and sends nothing there.
        """
        commands: Any = dbos_commands
        if not hasattr(commands, "delete_completed_datasource_checkpoints"):
            yield  # older versions leave them
            return
        delete = commands.delete_completed_datasource_checkpoints
        delete_async = commands.delete_completed_datasource_checkpoints_async

        def tidy(dbos: Any, context: Any) -> None:
            if context.workflow_id in self._ran:
                delete(dbos, context)

        async def tidy_async(dbos: Any, context: Any) -> None:
            if context.workflow_id in self._ran:
                await delete_async(dbos, context)

        commands.delete_completed_datasource_checkpoints = tidy
        commands.delete_completed_datasource_checkpoints_async = tidy_async
        try:
            yield
        finally:
            commands.delete_completed_datasource_checkpoints = delete
            commands.delete_completed_datasource_checkpoints_async = delete_async
