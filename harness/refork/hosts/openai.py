"""OpenAI's client. Its requests are intercepted in the HTTP library below it, so nothing private is needed."""

from refork.hosts.library import HostLibrary

OPENAI = HostLibrary(distribution="openai", oldest="2.0", newest="3.57", extra="judge")
