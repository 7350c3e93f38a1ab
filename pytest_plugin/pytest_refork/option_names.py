"""The names that pytest sees before anything of Refork is imported."""

from typing import Final

CASE_FILE: Final = "case.yaml"
RUN_FILE: Final = "run.json"
MARKER: Final = "refork"
