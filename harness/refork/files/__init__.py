"""The files of a case: ``case.yaml``, which belongs to the user, and ``run.json``, which is never edited.

Whatever stands in them comes in pull requests, so nothing in them can execute code or reach outside the
case's folder, and everything that is wrong is a :class:`refork.errors.BadFileError` of one line.
"""

from refork.files.case_file import CASE_FILE, CASE_FORMAT, CaseFile, load_case, save_case_yaml
from refork.files.checks import explain, is_name, nearest
from refork.files.json_text import dump_json, parse_json
from refork.files.run_file import RUN_FILE, RUN_FORMAT, load_run, save_run
from refork.files.storage import read_text, write_atomically
from refork.files.versions import Format, Migration
from refork.files.yaml_text import YamlDocument, parse_yaml

__all__ = [
    "CASE_FILE",
    "CASE_FORMAT",
    "RUN_FILE",
    "RUN_FORMAT",
    "CaseFile",
    "Format",
    "Migration",
    "YamlDocument",
    "dump_json",
    "explain",
    "is_name",
    "load_case",
    "load_run",
    "nearest",
    "parse_json",
    "parse_yaml",
    "read_text",
    "save_case_yaml",
    "save_run",
    "write_atomically",
]
