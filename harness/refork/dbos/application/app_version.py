"""Computes the version that DBOS gives an application: a hash of its workflows, without what Refork itself
imported.
"""

import copy
import inspect
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

FRAMEWORKS: Final = frozenset({"dbos_openai_agents", "pydantic_ai"})
"""Packages that register steps when they are imported. Refork imports them itself."""
_OURS: Final = frozenset({"refork", "refork_evals", "refork_reports", "pytest_refork"})


def application_version(registry: Any, name: str) -> str:
    """Return the version that DBOS would compute in production for the application that is imported here."""
    seen = copy.copy(registry)
    seen.workflow_info_map = _of_the_application(registry.workflow_info_map)
    version: str = seen.compute_app_version(name)
    return version


def _of_the_application(workflows: Mapping[str, Any]) -> dict[str, Any]:
    unused = FRAMEWORKS - {root for root in FRAMEWORKS if _is_used(root)}
    return {name: each for name, each in workflows.items() if _package(each) not in unused}


def _package(workflow: Any) -> str:
    """Return the package of a workflow, or of the step that DBOS made a workflow of."""
    function = inspect.unwrap(workflow)
    cells = getattr(function, "__closure__", None) or ()
    inner = next((cell.cell_contents for cell in cells if inspect.isfunction(cell.cell_contents)), function)
    return str(getattr(inspect.unwrap(inner), "__module__", "")).partition(".")[0]


def _is_used(root: str) -> bool:
    """Return whether a module outside of Refork holds the package or something from it."""
    others = [module for name, module in list(sys.modules.items()) if _root(name) not in _OURS | {root}]
    return any(_holds(module, root) for module in others)


def _holds(module: ModuleType, root: str) -> bool:
    # Some packages put an object of their own in a module's place.
    for value in list(getattr(module, "__dict__", {}).values()):
        # isinstance would ask a lazy proxy, such as openai's, for the class of what it stands for, and so import that.
        is_module = issubclass(type(value), ModuleType)
        held = value.__name__ if is_module else getattr(value, "__module__", None)
        if isinstance(held, str) and _root(held) == root:
            return True
    return False


def _root(name: str) -> str:
    return name.partition(".")[0]
