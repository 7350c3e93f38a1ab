"""The settings of trials, in a case and in a project."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

AUTO: Final = "auto"
MIN_TRIALS: Final = 5
MAX_TRIALS: Final = 60
"""The most trials that ``auto`` takes if neither a case nor the project sets it."""
SMALLEST_DROP: Final = 0.45
"""The drop of a pass rate that ``auto`` takes enough trials to find, unless a setting names another."""
_MOST: Final = 10_000


def _one_message(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return one message for a union, because pydantic would explain for each of its parts why it does not fit."""
    try:
        return handler(value)
    except ValidationError:
        raise ValueError(f"must be {AUTO!r} or a whole number from 1 to {_MOST}, and is {value!r}") from None


Count = Annotated[int, Field(ge=1, le=_MOST)]
Trials = Annotated[Count | Literal["auto"], WrapValidator(_one_message)]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Drop = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
