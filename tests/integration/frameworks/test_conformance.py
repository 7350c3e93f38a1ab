"""Every framework that Refork knows passes the suite that it gives to others."""

from collections.abc import Generator

import pydantic_ai.durable_exec.dbos as durable_exec
import pytest
from integration.frameworks.conftest import SampleOf
from refork.frameworks.openai_agents.adapter import OpenAIAgents
from refork.frameworks.plain_dbos.adapter import PlainSteps
from refork.frameworks.pydantic_ai.adapter import PydanticAI
from refork.testing import ConformanceSample, FrameworkConformance

OWN_WORKFLOW = "" if hasattr(durable_exec, "DBOSDurability") else "-1"
"""Ends the id of an agent's run: under ``DBOSAgent`` it is a child of the workflow that asks the agent."""


class TestOpenAIAgents(FrameworkConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sample(cls, sample_of: SampleOf) -> Generator[ConformanceSample]:
        module = "support.apps.sample_openai_agents"
        with sample_of(OpenAIAgents(), module, "ask", agent="librarian") as sample:
            yield sample


class TestPydanticAI(FrameworkConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sample(cls, sample_of: SampleOf) -> Generator[ConformanceSample]:
        module = "support.apps.sample_pydantic_ai"
        with sample_of(PydanticAI(), module, "ask", agent="librarian", run_id=f"ask{OWN_WORKFLOW}") as sample:
            yield sample


@pytest.mark.slow
class TestPydanticAIWithASystemPromptAndAnOutputType(FrameworkConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sample(cls, sample_of: SampleOf) -> Generator[ConformanceSample]:
        module = "support.apps.sample_pydantic_ai"
        with sample_of(
            PydanticAI(), module, "catalogue", agent="cataloguer", run_id=f"catalogue{OWN_WORKFLOW}"
        ) as sample:
            yield sample


@pytest.mark.slow
class TestPydanticAIByDBOSAgent(FrameworkConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sample(cls, sample_of: SampleOf) -> Generator[ConformanceSample]:
        module = "support.apps.sample_pydantic_ai"
        with sample_of(
            PydanticAI(), module, "ask_wrapped", agent="wrapped", run_id="ask_wrapped-1"
        ) as sample:
            yield sample


class TestPlainSteps(FrameworkConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sample(cls, sample_of: SampleOf) -> Generator[ConformanceSample]:
        module, knows = "support.apps.sample_plain", {"sees_tools": False, "changes_model": False}
        with sample_of(PlainSteps(), module, "ask", agent="librarian", **knows) as sample:
            yield sample
