"""Settings as options of a command line, or as keywords of a function."""

from collections.abc import Mapping
from typing import Any, Final

from refork.config.given import TEXT_KEYS, Given, as_list, from_text
from refork.errors import BadInputError
from refork.text.lines import nearest

OPTION_PREFIX: Final = "--agent-evals-"


def from_options(overrides: Mapping[str, Any], prefix: str) -> dict[str, Given]:
    """Return the settings in options, by key; None sets nothing. ``prefix`` is how an option is written, for
    errors.
    """
    given: dict[str, Given] = {}
    for key, value in overrides.items():
        option = prefix + key.replace("_", "-")
        if key not in TEXT_KEYS:
            raise BadInputError(f"unknown option {option!r}{nearest(key, TEXT_KEYS)}")
        if value is not None:
            read = from_text(key, value) if isinstance(value, str) else as_list(key, value)
            given[key] = Given(value=read, source=f"option {option!r}")
    return given
