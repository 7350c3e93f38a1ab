"""Refork: a failing agent run in, a regression test out.

Production code calls :func:`flag`, :func:`prompt`, :func:`record_usage` and :func:`configure`, which need the standard
library alone. Everything else is for tests, scripts and notebooks, and is imported when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from refork.production import configure, flag, prompt, record_usage
from refork.version import __version__

if TYPE_CHECKING:
    from refork_evals.scan.results import Scan
    from refork_evals.scan.scanning import scan, scan_async
    from refork_reports.estimation import Estimate, estimate
    from refork_reports.evaluation import Evaluation, evaluate, evaluate_async, load_evaluation

    from refork.answer_cache.request_keys import normalizer
    from refork.api import capture, capture_async, load_case, load_run, load_run_async, runs
    from refork.prompts.prompt import Prompt
    from refork.records.variant import Variant
    from refork.tool_policy.before_trial import before_trial
    from refork.tool_policy.stubs import stub

__all__ = [
    "Estimate",
    "Evaluation",
    "Prompt",
    "Scan",
    "Variant",
    "__version__",
    "before_trial",
    "capture",
    "capture_async",
    "configure",
    "estimate",
    "evaluate",
    "evaluate_async",
    "flag",
    "load_case",
    "load_evaluation",
    "load_run",
    "load_run_async",
    "normalizer",
    "prompt",
    "record_usage",
    "runs",
    "scan",
    "scan_async",
    "stub",
]

_HOMES: Final = {
    "refork.answer_cache.request_keys": ("normalizer",),
    "refork.api": ("capture", "capture_async", "load_case", "load_run", "load_run_async", "runs"),
    "refork.prompts.prompt": ("Prompt",),
    "refork.records.variant": ("Variant",),
    "refork.tool_policy.before_trial": ("before_trial",),
    "refork.tool_policy.stubs": ("stub",),
    "refork_evals.scan.results": ("Scan",),
    "refork_evals.scan.scanning": ("scan", "scan_async"),
    "refork_reports.estimation": ("Estimate", "estimate"),
    "refork_reports.evaluation": ("Evaluation", "evaluate", "evaluate_async", "load_evaluation"),
}
"""Where the names live that production code does not need. The last packages stand above this one."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
