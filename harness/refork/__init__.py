"""Refork: a failing agent run in, a regression test out."""

import importlib
from typing import TYPE_CHECKING, Any, Final

from refork.production import configure, flag, prompt, record_usage
from refork.version import __version__

if TYPE_CHECKING:
    from refork.answer_cache.request_keys import normalizer
    from refork.tool_policy.before_trial import before_trial
    from refork.tool_policy.stubs import stub

__all__ = ["__version__", "before_trial", "configure", "flag", "normalizer", "prompt", "record_usage", "stub"]

_LAZY: Final = {
    "before_trial": "refork.tool_policy.before_trial",
    "normalizer": "refork.answer_cache.request_keys",
    "stub": "refork.tool_policy.stubs",
}
"""Where each name lives that production code does not need: imported when it is first asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
