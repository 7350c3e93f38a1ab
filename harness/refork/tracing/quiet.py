"""Switches off all tracing systems that the application has imported, and restores them at the end."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

from refork.tracing.langsmith import quiet_langsmith
from refork.tracing.mlflow import quiet_mlflow
from refork.tracing.opentelemetry import quiet_opentelemetry

_SYSTEMS: Final[tuple[Callable[[], AbstractContextManager[None]], ...]] = (
    quiet_mlflow,
    quiet_opentelemetry,
    quiet_langsmith,
)


@contextmanager
def quiet_tracing() -> Generator[None]:
    """Write nothing to MLflow, OpenTelemetry (and so Logfire) or LangSmith inside the block.

    To be entered once the application is imported: nothing is imported here, and what is not there stays so.
    """
    with ExitStack() as stack:
        for quiet in _SYSTEMS:
            stack.enter_context(quiet())
        yield
