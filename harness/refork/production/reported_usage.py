"""Reports the tokens of a model call whose answer does not contain them: ``refork.record_usage``."""

import threading
from collections import OrderedDict
from typing import Final

from refork.production import hooks
from refork.production import run_attributes as marks

COUNTS: Final[tuple[str, ...]] = (
    "calls",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
)
_KEPT: Final = 1000
"""Steps whose tokens are remembered, so that those of the step's next call are added to them."""

_lock: Final = threading.Lock()
_used: "OrderedDict[tuple[str, int], dict[str, int | str | None]]" = OrderedDict()


def record_usage(
    *,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int = 0,
    reasoning_tokens: int = 0,
    model: str | None = None,
) -> None:
    """Report the tokens of a model call, inside the DBOS step that makes it.

    Use it for clients whose answers Refork cannot read. ``input_tokens`` includes ``cached_tokens``, and
    ``output_tokens`` includes ``reasoning_tokens``. Several calls in one step add up. The figures are written as
    an attribute of the run, in the background. Raises nothing, and does nothing outside of a step.
    """
    try:
        counts: dict[str, int] = dict(
            zip(COUNTS, (1, input_tokens, cached_tokens, output_tokens, reasoning_tokens), strict=True)
        )
        if hooks.evaluation is not None:
            _tell(hooks.evaluation, counts, model)
            return
        here = hooks.run_here()
        if here is not None and here[1] is not None:
            run_id, step = here[0], here[1]
            marks.mark(run_id, {f"{marks.USAGE}{step}": _summed(run_id, step, counts, model)}, wait=False)
    except Exception as error:  # figures are no reason to break the application
        marks.log.warning("the usage of a step was not recorded: %s: %s", type(error).__name__, error)


def _tell(evaluation: hooks.ActiveSession, counts: dict[str, int], model: str | None) -> None:
    from refork.records.usage import Usage  # noqa: PLC0415 - brings pydantic, which production need not have loaded

    evaluation.used(Usage(**counts), model)


def _summed(run_id: str, step: int, counts: dict[str, int], model: str | None) -> dict[str, int | str | None]:
    with _lock:
        before = _used.pop((run_id, step), {})
        total: dict[str, int | str | None] = {
            name: int(before.get(name) or 0) + int(count) for name, count in counts.items()
        }
        total["model"] = model if model is not None else before.get("model")
        _used[run_id, step] = total
        while len(_used) > _KEPT:
            _used.popitem(last=False)
        return dict(total)
