"""Decides which tools a model call still offers under a variant that offers fewer than the code does."""

from collections.abc import Iterable

from refork.errors import BadInputError
from refork.records.variant import Variant
from refork.text.lines import nearest


def offered_names(variant: Variant, names: Iterable[str]) -> frozenset[str]:
    """Return which of ``names``, the tools that the code offers, the variant leaves.

    Raises BadInputError for a tool that the code does not offer there: the variant would measure ``current``.
    """
    known = frozenset(names)
    if variant.tools is None:
        return known
    chosen = frozenset(variant.named_tools)
    unknown = chosen - known
    if unknown:
        offers = f"it offers {', '.join(sorted(known))}" if known else "it offers none"
        raise BadInputError(
            f"variant {variant.name!r}: the model call offers no tool {min(unknown)!r}"
            f"{nearest(min(unknown), known)}; {offers}"
        )
    return known - chosen if variant.removes_tools else known & chosen
