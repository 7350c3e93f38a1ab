"""How trials are asked for, in a case and in a project alike."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

AUTO: Final = "auto"
MIN_TRIALS: Final = 5
MAX_TRIALS: Final = 60
"""How many trials ``auto`` takes at the least and at the most, where neither a case nor the project says otherwise."""
SMALLEST_DROP: Final = 0.45
"""The fall of a pass rate that ``auto`` takes enough trials to find, where nobody says otherwise."""
_MOST: Final = 10_000


def _one_message(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """pydantic would say of every part of the union why it does not fit."""
    try:
        return handler(value)
    except ValidationError:
        raise ValueError(f"must be {AUTO!r} or a whole number from 1 to {_MOST}, and is {value!r}") from None


Count = Annotated[int, Field(ge=1, le=_MOST)]
Trials = Annotated[Count | Literal["auto"], WrapValidator(_one_message)]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Drop = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
