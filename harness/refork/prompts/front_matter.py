"""Parses the YAML between ``---`` lines at the top of a prompt: another model, other settings."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from refork.errors import BadFileError
from refork.storage.validation import explain
from refork.storage.yaml_text import parse_yaml

FENCE = "---"
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Reasoning(BaseModel):
    """The settings of a reasoning model."""

    model_config = _STRICT

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class FrontMatter(BaseModel):
    """The changes of a variant other than the prompt. The names are those of the Agents SDK's ModelSettings."""

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

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were given, without the model."""
        return self.model_dump(exclude={"model"}, exclude_none=True)


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
