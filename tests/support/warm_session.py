"""Imports what a session of ``pytest --agent-evals`` and its application import, plugins of pytest by pytest itself.

Also compiles what every session would compile anew: the report's templates, and the expressions that find secrets.
"""

import contextlib
import importlib
import io
import tempfile
from pathlib import Path
from typing import Final

import pytest
from refork_reports.page_templates import environment as page_environment

IMPORTED: Final = (
    "aiohttp",
    "dbos_openai_agents",
    "genai_prices.data",
    "httpcore2",
    "openai.resources.chat.completions",
    "openai.resources.responses",
    "pytest_refork.session",
    "refork.cli",
    "refork.dbos.servers.throwaway_postgres",
    "refork.fork",
    "refork.frameworks.openai_agents.adapter",
    "refork.frameworks.plain_dbos.adapter",
    "refork_evals.scorers",
    "refork_reports.formats.html",
    "refork_reports.formats.terminal",
    "rich.console",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "support.warm_redaction",
    "truststore",
    "unittest.mock",
    "urllib3",
)
"""Modules that stand for all that they import."""


def _collect_nothing() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        Path(folder, "pyproject.toml").touch()
        options = (
            "--co",
            "-q",
            "-s",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
            "-p",
            "no:randomly",
        )
        code = pytest.main(["--agent-evals", *options, "--rootdir", folder, folder])
        assert code is pytest.ExitCode.NO_TESTS_COLLECTED, code


def _compile_templates() -> None:
    environment = page_environment()
    for name in environment.list_templates(extensions=("j2",)):
        environment.get_template(name)


_collect_nothing()
_compile_templates()
for module in IMPORTED:
    with contextlib.suppress(ModuleNotFoundError):  # an environment need not have all of these
        importlib.import_module(module)
