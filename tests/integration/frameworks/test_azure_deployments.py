"""A client of Azure that names a deployment in its address answers by that, whatever model is asked for."""

import pytest
from agents import ModelSettings
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from openai import AsyncAzureOpenAI
from refork.errors import BadInputError
from refork.frameworks.openai_agents.calls import OpenAIAgentsCall
from refork.records.variant import Variant


def _call(azure_deployment: str | None = None) -> OpenAIAgentsCall:
    client = AsyncAzureOpenAI(
        api_key="not-a-key",
        api_version="1",
        azure_endpoint="https://x.example",
        azure_deployment=azure_deployment,
    )
    arguments = {"model_settings": ModelSettings(), "system_instructions": "Answer."}
    return OpenAIAgentsCall(OpenAIChatCompletionsModel("small", client), arguments, "clerk")


def test_a_fixed_deployment_refuses_a_variants_model() -> None:
    with pytest.raises(BadInputError, match=r"'large'.*deployment 'mine'.*leave azure_deployment out"):
        _call(azure_deployment="mine").changed(Variant(name="x", model="large"))


def test_the_deployments_own_name_and_clients_without_one_are_fine() -> None:
    for call, model in ((_call(azure_deployment="mine"), "mine"), (_call(), "large")):
        changed = call.changed(Variant(name="x", model=model))
        assert isinstance(changed, OpenAIAgentsCall)
        assert getattr(changed.model, "model", None) == model
