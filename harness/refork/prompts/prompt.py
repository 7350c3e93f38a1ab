"""A candidate prompt that is written in Python instead of in a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from refork.prompts.candidates import check
from refork.records.variant import Variant


@dataclass(frozen=True)
class Prompt:
    """A candidate prompt: a template as in a file of ``evals/prompts/``, with ``{{ baseline }}`` for the code's
    own prompt.

    ``name`` is the candidate's name in results (default: ``prompt-1``, ``prompt-2``, ... by position). ``model``
    and ``settings``, such as ``{"temperature": 0}``, replace the code's own. An invalid template or setting raises
    TemplateError or BadInputError when the prompt is evaluated.
    """

    template: str
    name: str | None = None
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def variant(self, position: int, *, plain: str | None = None) -> Variant:
        """Return the variant to try, named by its ``position`` if it has no name. Raises TemplateError.

        ``plain`` is the prompt of ``refork.prompt`` that it stands for, whose variables it may use.
        """
        variant = Variant(
            name=self.name or f"prompt-{position}",
            template=self.template,
            model=self.model,
            settings=self.settings,
        )
        check(variant, plain)
        return variant
