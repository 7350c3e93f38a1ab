"""Stops forbidden operations where DBOS starts them, below any framework's exception handling.

Before every operation of a workflow, DBOS asks the system database whether it was recorded. The guard intercepts
that question.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from dbos import DBOS
from dbos._context import get_local_dbos_context
from dbos._error import DBOSWorkflowCancelledError
from sqlalchemy.exc import DBAPIError

from refork.dbos.evals_database.table_definitions import GET_RESULT
from refork.dbos.replay.admission import Admission, ForkState
from refork.dbos.serialization.json_serializer import error_text, recorded_result
from refork.errors import DatabaseError, SessionError

GUARDED: Final = (
    "check_operation_execution",
    "_check_operation_execution_txn",
    "patch",
    "deprecate_patch",
    "get_checkpoint_name",
    "await_workflow_result",
    "await_workflow_result_async",
    "update_workflow_outcome",
    "start_queued_workflows",
    "init_workflow",
    "init_workflows",
    "init_child_workflow",
    "get_queue",
)
"""The methods of DBOS's SystemDatabase that the guard replaces."""


class Guard:
    """Holds the states of a session's forks and intercepts DBOS's calls of its system database."""

    def __init__(self, system_database: Any, *, queue: str) -> None:
        self._db = system_database
        self._queue = queue
        self._originals: dict[str, Callable[..., Any]] = {}
        self._fork_states: dict[str, ForkState] = {}
        self._cancelling: dict[str, threading.Thread] = {}
        self._parked = 0
        self._lock = threading.Lock()

    def install(self) -> None:
        """Replace each of the ``GUARDED`` methods that this version has, on this one instance."""
        for name in GUARDED:
            if not hasattr(self._db, name):
                continue  # a version without it starts nothing by it
            original = self._originals[name] = getattr(self._db, name)
            setattr(self._db, name, partial(getattr(self, f"_{name.lstrip('_')}"), original))

    def watch(self, fork_state: ForkState) -> None:
        with self._lock:
            self._fork_states[fork_state.run_id] = fork_state

    def fork_state(self, run_id: str | None) -> ForkState | None:
        return None if run_id is None else self._fork_states.get(run_id)

    @property
    def parked(self) -> int:
        """The number of forks whose code has ended and whose workflows have not."""
        return self._parked

    def cancel(self, run_id: str) -> threading.Thread:
        """Mark a workflow as cancelled, on a separate thread.

        DBOS may hold SQLite's write lock around the question that the guard answers.
        """
        with self._lock:
            cancelling = self._cancelling.get(run_id)
            if cancelling is None:
                cancelling = threading.Thread(target=self._mark_cancelled, args=(run_id,), daemon=True)
                self._cancelling[run_id] = cancelling
                cancelling.start()
        return cancelling

    def _mark_cancelled(self, run_id: str) -> None:
        with suppress(
            DBAPIError, DatabaseError
        ):  # the database went away: what unwinds does so without the mark
            self._db.cancel_workflows([run_id])

    def stop(self, run_id: str) -> DBOSWorkflowCancelledError:
        """Cancel a workflow, and return the exception that unwinds it. No ``except Exception`` catches it."""
        self.cancel(run_id)
        return DBOSWorkflowCancelledError(f"{run_id} may do nothing more")

    def _admit(self, run_id: str, number: int, name: str, *, can_wait: bool = True) -> None:
        fork_state = self.fork_state(run_id)
        admission = Admission.REFUSE if fork_state is None else fork_state.admit(number, name)
        if fork_state is not None and admission is Admission.WAIT:
            if not can_wait or _on_event_loop():
                # Waiting here would stop the trials. Not cancelled: they go on beside what unwinds.
                raise DBOSWorkflowCancelledError(f"{run_id} does nothing beside its trials")
            fork_state.wait()
        if admission is not Admission.RUN:
            raise self.stop(run_id)

    def _check_operation_execution(
        self,
        original: Callable[..., Any],
        workflow_id: str,
        function_id: int,
        function_name: str,
        **rest: Any,
    ) -> Any:
        answer = self._answer(workflow_id, function_id, function_name)
        if answer is not None:
            return answer
        self._admit(workflow_id, function_id, function_name)
        return original(workflow_id, function_id, function_name, **rest)

    def _answer(self, run_id: str, number: int, name: str) -> Any:
        """Return what DBOS would have found in its table if the operation had been recorded under this number."""
        fork_state = self.fork_state(run_id)
        step = None if fork_state is None else fork_state.answer(number, name)
        return None if step is None else recorded_result(step)

    def _get_queue(self, original: Callable[..., Any], name: str, **rest: Any) -> Any:
        """Return a queue that a fork looks up. Production's queues are in its own database, and look-ups are not
        recorded.
        """
        found = original(name, **rest)
        context = get_local_dbos_context()
        if found is not None or context is None or self.fork_state(context.workflow_id) is None:
            return found
        DBOS.register_queue(name)
        return original(name, **rest)

    def _check_operation_execution_txn(
        self, original: Callable[..., Any], workflow_id: str, function_id: int, function_name: str, conn: Any
    ) -> Any:
        answer = self._answer(workflow_id, function_id, function_name)
        if answer is not None:
            return answer
        # Asked within a transaction, which holds SQLite's write lock.
        self._admit(workflow_id, function_id, function_name, can_wait=False)
        return original(workflow_id, function_id, function_name, conn)

    def _recorded_name(self, run_id: str, number: int) -> str | None:
        """Return the name of the checkpoint with that number, now or in the recorded run, because patches ask
        before they act.
        """
        fork_state = self.fork_state(run_id)
        if fork_state is None:
            raise self.stop(run_id)
        name: str | None = self._originals["get_checkpoint_name"](workflow_id=run_id, function_id=number)
        if name is None and not (fork_state.is_tail and fork_state.arrived):
            name = fork_state.recorded.get(number)
        return name

    def _get_checkpoint_name(
        self, _original: Callable[..., Any], *, workflow_id: str, function_id: int
    ) -> str | None:
        return self._recorded_name(workflow_id, function_id)

    def _patch(
        self, original: Callable[..., Any], *, workflow_id: str, function_id: int, patch_name: str
    ) -> bool:
        if self._recorded_name(workflow_id, function_id) not in (None, patch_name):
            return False
        fork_state = self.fork_state(workflow_id)
        if fork_state is not None and fork_state.is_tail and fork_state.arrived:
            fork_state.schedule(function_id, patch_name)  # new code: nothing acts
        self._admit(workflow_id, function_id, patch_name)
        return bool(original(workflow_id=workflow_id, function_id=function_id, patch_name=patch_name))

    def _deprecate_patch(
        self, _original: Callable[..., Any], *, workflow_id: str, function_id: int, patch_name: str
    ) -> bool:
        return self._recorded_name(workflow_id, function_id) == patch_name

    def _admit_result_of(self, target: str) -> None:
        """Decide about a workflow that waits for another's result, which DBOS records as a step afterwards."""
        context = get_local_dbos_context()
        if context is None or not context.is_workflow() or context.workflow_id == target:
            return
        if self.fork_state(context.workflow_id) is None and context.has_parent():
            # A child that was called like a function: its parent records the result, under the next number.
            run_id, number = context.parent_workflow_id, context.parent_workflow_fid + 1
        else:
            run_id, number = context.workflow_id, context.function_id + 1
        fork_state = self.fork_state(run_id)
        if fork_state is not None and fork_state.is_tail and fork_state.arrived and self._is_over(target):
            fork_state.schedule(number, GET_RESULT)  # a recorded child: its result is seeded
        self._admit(run_id, number, GET_RESULT)

    def _is_over(self, run_id: str) -> bool:
        """Return whether a workflow was seeded together with its result."""
        status = self._db.get_workflow_status(run_id)
        return status is not None and status["status"] in ("SUCCESS", "ERROR")

    def _await_workflow_result(
        self, original: Callable[..., Any], workflow_id: str, *args: Any, **rest: Any
    ) -> Any:
        fork_state = self.fork_state(workflow_id)
        if fork_state is None:
            self._admit_result_of(workflow_id)
            return original(workflow_id, *args, **rest)
        with self._parking():
            self._end(fork_state)
            return original(workflow_id, *args, **rest)

    async def _await_workflow_result_async(
        self, original: Callable[..., Any], workflow_id: str, *args: Any, **rest: Any
    ) -> Any:
        fork_state = self.fork_state(workflow_id)
        if fork_state is None:
            self._admit_result_of(workflow_id)
            return await original(workflow_id, *args, **rest)
        with self._parking():
            await asyncio.to_thread(self._end, fork_state)
            return await original(workflow_id, *args, **rest)

    @contextmanager
    def _parking(self) -> Generator[None]:
        """Count a fork whose code has ended. DBOS then polls for its result, which only its cancellation provides."""
        with self._lock:
            self._parked += 1
        try:
            yield
        finally:
            with self._lock:
                self._parked -= 1

    def _end(self, fork_state: ForkState) -> None:
        fork_state.wait()  # its trials may run on beside what has unwound
        self.cancel(fork_state.run_id).join()

    def _update_workflow_outcome(
        self, original: Callable[..., Any], workflow_id: str, status: str, **rest: Any
    ) -> bool:
        fork_state = self.fork_state(workflow_id)
        if fork_state is not None:
            error = rest.get("error")
            fork_state.end(None if error is None else error_text(error), rest.get("output"))
        return bool(original(workflow_id, status, **rest))

    def _start_queued_workflows(
        self, original: Callable[..., Any], queue: Any, *args: Any, **rest: Any
    ) -> Any:
        if queue.name != self._queue:
            return ([], None) if _gives_a_pair(original) else []
        found = original(queue, *args, **rest)
        for run_id in found[0] if isinstance(found, tuple) else found:
            fork_state = self.fork_state(run_id)
            if fork_state is not None:
                fork_state.begin()
        return found

    def _init_workflow(self, _original: Callable[..., Any], *_args: Any, **_rest: Any) -> Any:
        raise SessionError("a workflow was started beside the forks; an evaluation starts none of its own")

    _init_workflows = _init_child_workflow = _init_workflow


def _gives_a_pair(start: Callable[..., Any]) -> bool:
    """Return whether this version of DBOS returns a rate limit together with the workflows that it starts."""
    return "tuple" in str(inspect.signature(start).return_annotation).lower()


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
