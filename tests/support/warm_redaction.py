"""Compiles the expressions that find secrets, of which every session and every log line of DBOS has need."""

from typing import Final

from refork.redaction.detectors.secrets import secrets

FOUND: Final = tuple(secrets("no secret at all"))
