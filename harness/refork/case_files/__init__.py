"""The files of a case: ``case.yaml``, which the user edits, and ``run.json``, which is never edited.

They come in pull requests, so nothing in them can execute code or reach outside the case's folder. Every problem is a
one-line :class:`refork.errors.BadFileError`.
"""

from refork.case_files.case_file import CASE_FILE, CASE_FORMAT, CaseFile, load_case, save_case_yaml
from refork.case_files.run_file import RUN_FILE, RUN_FORMAT, load_run, save_run

__all__ = [
    "CASE_FILE",
    "CASE_FORMAT",
    "RUN_FILE",
    "RUN_FORMAT",
    "CaseFile",
    "load_case",
    "load_run",
    "save_case_yaml",
    "save_run",
]
