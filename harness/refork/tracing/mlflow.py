"""Switches off MLflow's traces, such as those that ``mlflow.openai.autolog()`` makes of every call."""

import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def quiet_mlflow() -> Generator[None]:
    """Switch MLflow's tracing off by its own switch, and on again if it was on."""
    mlflow: Any = sys.modules.get("mlflow")
    tracing: Any = getattr(mlflow, "tracing", None)
    if tracing is None or not hasattr(tracing, "disable") or not _is_on():
        yield
        return
    tracing.disable()
    try:
        yield
    finally:
        with suppress(Exception):  # a tracking server that is gone by now breaks no session
            tracing.enable()


def _is_on() -> bool:
    provider: Any = sys.modules.get("mlflow.tracing.provider")
    try:
        return bool(provider.is_tracing_enabled())
    except Exception:  # a version that has no such function: switching off does no harm
        return True
