"""An entry point that is not a framework is refused with what it lacks."""

from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest
from refork.errors import BadInputError
from refork.frameworks import registry
from refork.frameworks.plain_dbos.adapter import PlainSteps


class OldFramework:
    """An adapter whose attribute ``forks_per_variant`` is still named ``branches``."""

    name = "old"
    branches = False
    recognises = describe = register = importable = intercept = tool_results = model_call = (
        PlainSteps.describe
    )


def test_an_adapter_without_a_member_of_the_protocol_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = EntryPoint(name="old", value=f"{__name__}:OldFramework", group=registry.GROUP)
    monkeypatch.setattr(registry, "_entries", lambda: (entry,))
    with pytest.raises(
        BadInputError, match=r"'OldFramework', which is not a Framework.* has no forks_per_variant:"
    ):
        registry.installed()


def test_an_adapter_that_does_not_load_is_refused_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = SimpleNamespace(name="broken", value="x:Y", module="x", load=lambda: 1 / 0)
    monkeypatch.setattr(registry, "_entries", lambda: (entry,))
    with pytest.raises(BadInputError, match=r"framework 'broken' does not load .*division by zero"):
        registry.installed()
