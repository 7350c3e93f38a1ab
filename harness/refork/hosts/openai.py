"""Lists nothing of OpenAI's client: its requests are intercepted in the HTTP library below it."""

from refork.hosts.library import HostLibrary

OPENAI = HostLibrary(distribution="openai", oldest="2.0", newest="3.57", extra="judge")
