"""Switches off OpenTelemetry's spans, which Logfire, MLflow and DBOS also use."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet_opentelemetry() -> Generator[None]:
    """Make every tracer of the SDK start spans that are recorded nowhere, whatever provider and exporter it has."""
    sdk: Any = sys.modules.get("opentelemetry.sdk.trace")
    if sdk is None:
        yield
        return
    from opentelemetry.trace import INVALID_SPAN  # noqa: PLC0415 - its SDK is there

    original = sdk.Tracer.start_span

    def start_span(*_args: Any, **_options: Any) -> Any:
        return INVALID_SPAN

    sdk.Tracer.start_span = start_span
    try:
        yield
    finally:
        sdk.Tracer.start_span = original
