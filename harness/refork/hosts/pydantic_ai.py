"""Lists nothing of Pydantic AI: only its steps' arguments are changed, and the private name of a model."""

from refork.hosts.library import HostLibrary

PYDANTIC_AI = HostLibrary(distribution="pydantic-ai-slim", oldest="1.107", newest="2.68", extra="pydantic-ai")
