"""The frozen values that all packages share: run, step, case, variant, trial, outcome, usage.

A case is one folder with two files: ``run.json`` is recorded and never edited, ``case.yaml`` is written once and then
belongs to the user. :mod:`refork.case_files` reads and writes them.
"""

from refork.records.case import Case
from refork.records.run import (
    Answer,
    Ending,
    Json,
    RecordedError,
    Request,
    Run,
    Step,
    StepKind,
    Tool,
    ToolCall,
)

__all__ = [
    "Answer",
    "Case",
    "Ending",
    "Json",
    "RecordedError",
    "Request",
    "Run",
    "Step",
    "StepKind",
    "Tool",
    "ToolCall",
]
