"""Pydantic AI. The arguments of its steps are changed; nothing private is used but a model's name."""

from refork.hosts.library import HostLibrary

PYDANTIC_AI = HostLibrary(distribution="pydantic-ai-slim", oldest="1.107", newest="2.68", extra="pydantic-ai")
