"""A candidate prompt that is written in Python in place of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from refork.prompts.candidates import check
from refork.records.variant import Variant


@dataclass(frozen=True)
class Prompt:
    """A candidate prompt: a template as in a file of ``evals/prompts/``, ``{{ baseline }}`` for the code's own.

    ``name`` is the candidate's in results (default: ``prompt-1``, ``prompt-2``, ... by position). ``model`` and
    ``settings`` (such as ``{"temperature": 0}``) override the code's own.
    """

    template: str
    name: str | None = None
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def variant(self, position: int) -> Variant:
        """The variant to try, named by its ``position`` where it has no name. Raises TemplateError."""
        variant = Variant(
            name=self.name or f"prompt-{position}",
            template=self.template,
            model=self.model,
            settings=self.settings,
        )
        check(variant)
        return variant
