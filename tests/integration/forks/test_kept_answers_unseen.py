"""What is sent and stands in no request counts all the same."""

from typing import Any

import pytest
from agents import (
    AgentOutputSchema,
    FileSearchTool,
    HostedMCPTool,
    ModelSettings,
    OpenAIResponsesModel,
    WebSearchTool,
    function_tool,
)
from openai import AsyncOpenAI
from pydantic import BaseModel
from refork.answer_cache import digest_of
from refork.frameworks.openai_agents.calls import OpenAIAgentsCall


class Reply(BaseModel):
    text: str


def lookup(name: str) -> str:
    """Look a name up."""
    return name


def key(*tools: Any, schema: Any = None) -> str:
    call = OpenAIAgentsCall(
        OpenAIResponsesModel("m", AsyncOpenAI(api_key="none")),
        {
            "system_instructions": "Be brief.",
            "input": "Hello",
            "model_settings": ModelSettings(),
            "tools": list(tools),
            "handoffs": [],
            "output_schema": schema,
        },
        "clerk",
    )
    return digest_of(call.request, code=call.code)


def mcp(url: str, token: str = "one") -> HostedMCPTool:
    return HostedMCPTool(
        tool_config={
            "type": "mcp",
            "server_label": "shop",
            "server_url": url,
            "require_approval": "never",
            "authorization": token,
            "headers": {"x-key": token},
        }
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FileSearchTool(vector_store_ids=["a"]), FileSearchTool(vector_store_ids=["b"])),
        (WebSearchTool(search_context_size="low"), WebSearchTool(search_context_size="high")),
        (mcp("https://a.example"), mcp("https://b.example")),
        (function_tool(lookup), function_tool(lookup, strict_mode=False)),
    ],
)
def test_other_settings_of_a_tool_make_another_request(one: Any, other: Any) -> None:
    assert key(one) == key(one)
    assert key(one) != key(other)


def test_a_key_that_was_renewed_asks_for_the_same() -> None:
    assert key(mcp("https://a.example")) == key(mcp("https://a.example", token="two"))


def test_an_output_that_need_not_be_strict_is_another() -> None:
    assert key(schema=AgentOutputSchema(Reply)) != key(
        schema=AgentOutputSchema(Reply, strict_json_schema=False)
    )
