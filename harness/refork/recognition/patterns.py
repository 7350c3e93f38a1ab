"""The patterns in source code that show a model call: calls of clients, and addresses of endpoints."""

import re
from typing import Final

CALLS: Final = re.compile(
    r"""(^|\.)(
        (chat\.)?completions\.(create|parse|stream)
        | chat\.(complete|complete_async|stream_async|parse|parse_async)
        | responses\.(create|parse|stream)
        | messages\.(create|parse|stream)
        | (models\.)?generate_content(_stream|_async)?
        | converse(_stream)? | invoke_model(_with_response_stream)?
        | litellm\.a?(completion|responses|text_completion)
        | ollama\.(chat|generate)
    )$""",
    re.VERBOSE,
)
"""The ends of dotted names that call a model. Whatever is in front of them is the client."""

WRAPPED: Final = frozenset({"with_raw_response", "with_streaming_response", "beta"})
"""Parts of a dotted name that only change the form of the answer, and are ignored."""

FUNCTIONS: Final = {
    "litellm": frozenset({"completion", "acompletion", "responses", "aresponses"}),
    "ollama": frozenset({"chat", "generate"}),
}
"""Functions that call a model and are imported by name, by their package."""

RUN: Final = frozenset({"invoke", "ainvoke", "stream", "astream", "batch", "abatch"})
"""Methods that call a LangChain model, or a chain that ends in one."""

CLASSES: Final = {
    "BaseChatModel": "langchain_core",
    "BaseLLM": "langchain_core",
    "Runnable": "langchain_core",
    "CompiledStateGraph": "langgraph",
    "Agent": "pydantic_ai",
    "Runner": "agents",
    "AbstractAgent": "pydantic_ai",
    "BaseLanguageModel": "langchain_core",
    "Instructor": "instructor",
    "AsyncInstructor": "instructor",
}
"""Classes and their packages. Code that uses one, or an object of one, calls a model."""

MAKERS: Final = frozenset({"init_chat_model", "create_agent", "create_react_agent"})
"""Functions that return an object of such a class."""
