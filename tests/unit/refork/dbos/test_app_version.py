"""The version of an application, which is read without touching what its modules have not imported yet."""

import sys
from types import ModuleType
from typing import Any

import pytest
from refork.dbos.application.app_version import application_version


class Registry:
    """As DBOS's: it has workflows, and computes a version of them."""

    def __init__(self) -> None:
        self.workflow_info_map: dict[str, Any] = {}

    def compute_app_version(self, name: str) -> str:
        return f"{name}: {sorted(self.workflow_info_map)}"


class Lazy:
    """A stand-in that imports what it stands for when somebody asks for its class."""

    def __getattribute__(self, name: str) -> Any:
        assert name != "__class__", "it was asked for its class"
        return object.__getattribute__(self, name)


def test_lazy_objects_in_other_modules_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("some_client")
    module.__dict__["audio"] = Lazy()
    monkeypatch.setitem(sys.modules, "some_client", module)
    assert application_version(Registry(), "shop") == "shop: []"
