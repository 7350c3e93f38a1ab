"""Which steps ask a model, told from their source: through helpers, classes, modules and imports, and nothing run."""

import importlib
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from refork.recognition import asks_model

HELPERS = """
    from openai import OpenAI

    URL = "https://models.example/v1/chat/completions"

    class Wrapper:
        def __init__(self):
            raise RuntimeError("nothing is run")

        @property
        def client(self):
            raise RuntimeError("nothing is run")

        def ask(self, text):
            return self._send(text)

        def _send(self, text):
            return self.client.messages.create(messages=[text])

        @staticmethod
        def plain(text):
            return text.upper()

    def call(client, text):
        return client.chat.completions.create(messages=[text])

    def harmless(text):
        return text.upper()
    """
STEPS = """
    import asyncio
    import functools
    import helpers
    import helpers as h
    from helpers import URL, Wrapper, call, harmless
    from litellm_stand_in import completion

    wrapper = object.__new__(Wrapper)
    partly = functools.partial(call, None)

    def directly(client): return client.responses.create(input="x")
    def parsed(client): return client.beta.chat.completions.parse(messages=[])
    def raw(client): return client.chat.completions.with_raw_response.create(messages=[])
    def streamed(client):
        with client.messages.stream(messages=[]) as stream:
            return stream
    def made_here(): return __import__("openai").OpenAI().chat.completions.create(messages=[])
    def by_helper(): return call(None, "x")
    def by_module(): return helpers.call(None, "x")
    def by_alias(): return h.call(None, "x")
    def by_object(): return wrapper.ask("x")
    def by_class(): return Wrapper().ask("x")
    def by_partial(): return partly("x")
    def handed_on(): return asyncio.run(asyncio.to_thread(call, None, "x"))
    def within():
        def inner(): return call(None, "x")
        return inner()
    def imported_here():
        from helpers import call as late
        return late(None, "x")
    def by_address(post): return post("https://x.example/serving-endpoints/chat/completions", json={})
    def by_global_address(post): return post(URL, json={})
    def by_joined_address(post, base): return post(f"{base}/v1/messages", json={})
    def gemini(client): return client.models.generate_content(contents="x")
    def bedrock(client): return client.converse(messages=[])

    def twice(function):
        @functools.wraps(function)
        def run(*args): return function(*args)
        return run

    @twice
    @twice
    def decorated(): return call(None, "x")

    def quiet(text): return harmless(text)
    def only_created(client): return client.files.create(file="x")
    def only_says(): return "a text about /chat/completions\\nthat has two lines"
    def mailed(smtp): return smtp.messages.send("x")
    def a_class_that_is_plain(): return Wrapper.plain("x")
    """
ASK = [
    *(
        "directly",
        "parsed",
        "raw",
        "streamed",
        "made_here",
        "by_helper",
        "by_module",
        "by_alias",
        "by_object",
    ),
    *("by_class", "by_partial", "handed_on", "within", "imported_here", "by_address", "by_global_address"),
    *("by_joined_address", "gemini", "bedrock", "decorated"),
]
QUIET = ["quiet", "only_created", "only_says", "mailed", "a_class_that_is_plain"]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    folder = tmp_path_factory.mktemp("recognition")
    files = {"helpers": HELPERS, "steps_of_a_test": STEPS, "litellm_stand_in": "def completion(): ..."}
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    sys.path.insert(0, str(folder))
    yield importlib.import_module("steps_of_a_test")
    sys.path.remove(str(folder))
    for name in files:
        del sys.modules[name]


@pytest.mark.parametrize("name", ASK)
def test_steps_that_call_a_model_are_recognised(steps: Any, name: str) -> None:
    assert asks_model(getattr(steps, name))


@pytest.mark.parametrize("name", QUIET)
def test_steps_that_call_no_model_are_not_recognised(steps: Any, name: str) -> None:
    assert not asks_model(getattr(steps, name))


def test_installed_code_and_what_has_no_source_is_not_looked_at() -> None:
    made: dict[str, Callable[..., Any]] = {}
    exec("def made(client): return client.chat.completions.create()", made)
    assert not asks_model(made["made"])
    assert not asks_model(Path.read_text)
    assert not asks_model(len)
