"""Reads ``[tool.refork.prices]``: US dollars per million tokens, by the name of the model."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from refork.errors import BadInputError
from refork.records.prices import Price
from refork.storage.validation import explain
from refork.text.lines import one_line

_EXAMPLE: Final = "{input = 0.15, output = 0.6}"
_Dollars = Annotated[float, Field(ge=0)]


class _PriceTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    input: _Dollars
    output: _Dollars
    cached_input: _Dollars | None = None
    example: bool = False


_TABLE: Final = TypeAdapter(_PriceTable)


def project_prices(table: Mapping[str, Any]) -> dict[str, Price]:
    """Return the prices by model. Raises BadInputError that names the model, what is wrong, and what to write."""
    return {_model(name): _price(name, value) for name, value in table.items()}


def _model(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise BadInputError(f"has {one_line(repr(name), 80)} where the name of a model must stand")
    return name


def _price(name: str, value: Any) -> Price:
    model = one_line(repr(name), 80)
    if not isinstance(value, dict):
        raise BadInputError(
            f"has {one_line(repr(value), 40)} for model {model}, and not a table: write US dollars per million tokens, "
            f"such as {_EXAMPLE}, and a name with a dot in quotes"
        )
    inner = next((key for key, part in value.items() if isinstance(part, dict)), None)
    if inner is not None:
        raise BadInputError(
            f"has a table within that of model {model}: a name with a dot needs quotes, as in "
            f'"{one_line(f"{name}.{inner}", 60)}" = {_EXAMPLE}'
        )
    try:
        found = _TABLE.validate_python(value)
    except ValidationError as error:
        problem = explain(error, schema=_TABLE.json_schema)
        raise BadInputError(
            f"has a wrong price for model {model}: {problem}; "
            f"write US dollars per million tokens, such as {_EXAMPLE}"
        ) from error
    return Price(
        input=_exact(found.input),
        output=_exact(found.output),
        cached_input=None if found.cached_input is None else _exact(found.cached_input),
        example=found.example,
    )


def _exact(dollars: float) -> Decimal:
    """Return the decimal exactly as it is written: 0.15 is not 0.1499999."""
    return Decimal(repr(dollars))
