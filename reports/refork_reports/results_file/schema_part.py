"""What every part of ``results.json`` is made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

VerdictName = Literal["pass", "fail", "inconclusive", "error", "stale"]


class Part(BaseModel):
    """A part of the file: unknown keys are refused, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
