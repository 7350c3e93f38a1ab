"""Parses the YAML between ``---`` lines at the top of a prompt: another model, other settings."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from refork.errors import BadFileError
from refork.storage.validation import explain
from refork.storage.yaml_text import parse_yaml

FENCE = "---"
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _one_way(tools: list[str]) -> list[str]:
    if len({name.startswith("-") for name in tools}) > 1:
        raise ValueError("name the tools that are offered, or each with '-' those that are not: not both")
    return tools


class Reasoning(BaseModel):
    """The settings of a reasoning model."""

    model_config = _STRICT

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class FrontMatter(BaseModel):
    """The changes of a variant other than the prompt.

    The names of settings are those of the Agents SDK's ModelSettings.
    """

    model_config = _STRICT

    model: Annotated[str, Field(min_length=1)] | None = None
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    tool_choice: Annotated[str, Field(min_length=1)] | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    reasoning: Reasoning | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[Annotated[str, Field(pattern=r"^-?[^-\s]")]], AfterValidator(_one_way)] | None = (
        Field(
            default=None,
            description="The tools that are still offered to the model, by name; or, with '-', those that are not.",
        )
    )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were given, without the model and the tools."""
        return self.model_dump(exclude={"model", "tools"}, exclude_none=True)

    @property
    def offered(self) -> tuple[str, ...] | None:
        """The tools as a :class:`~refork.records.variant.Variant` names them."""
        return None if self.tools is None else tuple(self.tools)


def split(text: str, *, path: Any) -> tuple[FrontMatter, str, int]:
    """Split a prompt file into its front matter, its template, and the line on which the template starts.

    BadFileError for front matter that is not closed, or that holds what is not accepted.
    """
    lines = re.split(r"(?<=\n)", text)
    if not lines or lines[0].rstrip() != FENCE:
        return FrontMatter(), text, 1
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        raise BadFileError(
            f"{str(path)!r}, line 1: front matter is opened by '---' and never closed by '---'"
        )
    return _parsed("".join(lines[1:end]), path), "".join(lines[end + 1 :]), end + 2


def _parsed(text: str, path: Any) -> FrontMatter:
    document = parse_yaml(text, path=path, first_line=2)
    data = {} if document.data is None else document.data
    try:
        return FrontMatter.model_validate(data)
    except ValidationError as error:
        finding = explain(error, schema=FrontMatter.model_json_schema, at=document.at)
        problem = finding if isinstance(data, dict) else "line 2: front matter must hold keys and values"
        raise BadFileError(f"{str(path)!r}, {problem}") from error
