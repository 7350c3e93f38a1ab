"""Lists the libraries whose private names Refork uses."""

from typing import Final

from refork.hosts.dbos import DBOS
from refork.hosts.library import HostLibrary
from refork.hosts.openai import OPENAI
from refork.hosts.openai_agents import DBOS_OPENAI_AGENTS, OPENAI_AGENTS
from refork.hosts.pydantic_ai import PYDANTIC_AI
from refork.hosts.pytest import PYTEST
from refork.hosts.time_machine import TIME_MACHINE

HOSTS: Final[tuple[HostLibrary, ...]] = (
    DBOS,
    DBOS_OPENAI_AGENTS,
    OPENAI,
    OPENAI_AGENTS,
    PYDANTIC_AI,
    PYTEST,
    TIME_MACHINE,
)
