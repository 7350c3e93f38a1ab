"""The hooks and options that pytest loads. Nothing else of Refork is imported without ``--agent-evals``."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_refork.collection.disabled import Disabled
from pytest_refork.options import add_options, collect_here

if TYPE_CHECKING:
    from pytest_refork.session import AgentEvals

evals_key: "pytest.StashKey[AgentEvals]" = pytest.StashKey()
disabled_key: pytest.StashKey[Disabled] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "refork(case, *, variants=None, trials=None, min_pass_rate=None): "
        "call the test once for every trial of a case of evals/cases, each given as the fixture 'trial'.",
    )
    if config.getoption("agent_evals_dry_run"):
        collect_here(config)
    if config.getoption("agent_evals") or config.getoption("agent_evals_dry_run"):
        open_evals = _session_opener()
        config.stash[evals_key] = open_evals(config)
        config.pluginmanager.register(config.stash[evals_key], "refork-agent-evals")
    else:
        config.stash[disabled_key] = Disabled(config)
        config.pluginmanager.register(config.stash[disabled_key], "refork-disabled")


def _session_opener() -> "Callable[[pytest.Config], AgentEvals]":
    """Import the session, so that other runs of pytest do not pay for the import."""
    from refork.imports import without_garbage_collection  # noqa: PLC0415

    with without_garbage_collection():
        from pytest_refork.session import open_evals  # noqa: PLC0415
    return open_evals


def pytest_unconfigure(config: pytest.Config) -> None:
    disabled = config.stash.get(disabled_key, None)
    if disabled is not None:
        del config.stash[disabled_key]
        config.pluginmanager.unregister(disabled)
    evals = config.stash.get(evals_key, None)
    if evals is not None:
        del config.stash[evals_key]
        config.pluginmanager.unregister(evals)
        evals.close()
