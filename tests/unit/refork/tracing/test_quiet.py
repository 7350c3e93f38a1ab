"""An evaluation writes nothing to the application's tracing, and leaves it as it was."""

import os
import subprocess
import sys
import textwrap

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from refork.tracing import quiet_tracing


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def test_spans_of_a_tracer_that_was_made_before_are_recorded_before_and_after_only(
    exporter: InMemorySpanExporter,
) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("before"):
        pass
    with quiet_tracing():
        with tracer.start_as_current_span("inside") as span:
            span.set_attribute("kept", "nowhere")
        with provider.get_tracer("late").start_as_current_span("inside too"):
            pass
    with tracer.start_as_current_span("after"):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["before", "after"]
    provider.shutdown()


def test_spans_are_recorded_again_although_the_evaluation_broke(exporter: InMemorySpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.raises(KeyError), quiet_tracing():
        raise KeyError
    with provider.get_tracer("shop").start_as_current_span("after"):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["after"]
    provider.shutdown()


@pytest.mark.parametrize("name", ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"])
def test_langsmith_is_switched_off_by_its_own_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    with quiet_tracing():
        assert os.environ[name] == "false"
    assert os.environ[name] == "true"


def test_langsmith_is_not_mentioned_where_nobody_set_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGSMITH_TRACING", raising=False)
    with quiet_tracing():
        assert "LANGSMITH_TRACING" not in os.environ


def test_nothing_is_imported_for_the_sake_of_being_quiet() -> None:
    code = """
        import sys
        from refork.tracing import quiet_tracing
        with quiet_tracing():
            assert not {"mlflow", "opentelemetry.sdk", "langsmith", "logfire"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
