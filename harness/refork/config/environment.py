"""Reads settings from environment variables: ``REFORK_TRIALS`` and the others."""

from collections.abc import Mapping
from typing import Final

from refork.config.given import TEXT_KEYS, Given, from_text
from refork.config.settings import FILE_ONLY
from refork.errors import BadInputError

ENVIRONMENT_PREFIX: Final = "REFORK_"


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """Return the settings in variables, by key; an empty one sets nothing. Raises BadInputError for a key that only
    the file may set.
    """
    names = {key: ENVIRONMENT_PREFIX + key.upper() for key in TEXT_KEYS}
    for key in sorted(FILE_ONLY):
        if environ.get(names[key], "").strip():
            raise BadInputError(
                f"environment variable {names[key]!r}: only pyproject.toml may say this; "
                f"set {key!r} under [tool.refork] there"
            )
    return {
        key: Given(value=from_text(key, environ[name]), source=f"environment variable {name!r}")
        for key, name in names.items()
        if environ.get(name, "").strip()
    }
