"""Servers and databases that tests of every floor share."""

import gc
import os
import shutil
import signal
import uuid
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import settings
from refork.imports import without_garbage_collection
from support import report_browser
from support.postgres import execute, role_of
from support.prepared import prepare_for_workers
from support.production import write_runs
from support.report_browser import MISSING
from support.tls_postgres import TlsPostgres, programs, tls_postgres

SERVER_VARIABLE = "REFORK_TEST_POSTGRES_URL"
LONGEST_FIRST = Path(__file__).parent / "integration" / "plugin"

# On a busy machine any example may take long. ``make test-slow`` tries the full number.
settings.register_profile("tests", deadline=None, max_examples=30)
settings.register_profile("full", deadline=None, max_examples=500)
settings.load_profile("tests")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        prepare_for_workers()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while all test files are imported, and none of what they imported later on.

    It stays to the end, and every collection would walk through all of it.
    """
    with without_garbage_collection():
        collected = yield
        gc.freeze()
    return collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take seconds come first, so that all workers of pytest-xdist are busy to the end."""
    items.sort(key=lambda item: LONGEST_FIRST not in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give all that is skipped for want of a browser one place, so that pytest says it in one line."""
    report = yield
    if isinstance(report.longrepr, tuple) and MISSING in report.longrepr[2]:
        report.longrepr = (report_browser.__file__, 1, report.longrepr[2])
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str]:
    """The URL of a server's database that tests may only connect to, to make their own beside it.

    ``REFORK_TEST_POSTGRES_URL``, else a container where Docker answers, else the embedded server.
    """
    from refork.dbos.servers.throwaway_postgres import throwaway_postgres

    url = os.environ.get(SERVER_VARIABLE)
    if url:
        yield url
        return
    with ExitStack() as stack:
        with warnings.catch_warnings():
            # The embedded server's package asks for XDG_RUNTIME_DIR when it is imported; it can do without.
            warnings.simplefilter("ignore", UserWarning)
            # Docker's client leaves its socket open where nobody answers.
            warnings.simplefilter("ignore", ResourceWarning)
            url = stack.enter_context(throwaway_postgres())
            gc.collect()
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Generator[str]:
    """The URL of a fresh, empty database, dropped after the test."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def shop_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the runs of ``shop``. Tests that may change it take ``sqlite_file``."""
    folder = tmp_path_factory.mktemp("shop-sqlite")
    write_runs(f"sqlite:///{folder / 'production.sqlite'}", folder)
    return folder / "production.sqlite"


@pytest.fixture
def sqlite_file(shop_sqlite: Path, tmp_path: Path) -> Path:
    """A copy of ``shop_sqlite``, alone in its folder."""
    folder = tmp_path / "database"
    folder.mkdir()
    return Path(shutil.copy(shop_sqlite, folder))


@pytest.fixture(scope="session")
def shop_postgres_owner(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The URL of a Postgres database with the runs of ``shop``, as its owner. Tests must not change it."""
    with fresh_database(postgres_server) as url:
        write_runs(url, tmp_path_factory.mktemp("shop-postgres"))
        yield url


@pytest.fixture(scope="session")
def shop_postgres(shop_postgres_owner: str) -> Generator[str]:
    """The same as a role that may USE the schema and SELECT, and nothing else."""
    with role_of(shop_postgres_owner) as url:
        yield url


@pytest.fixture(scope="session")
def tls_server() -> Generator[TlsPostgres]:
    """A Postgres that takes passwords over TLS and nothing else. Skipped where none is installed, except in CI."""
    folder = programs()
    if folder is None:
        problem = "needs a Postgres with TLS: install one, or set REFORK_TEST_POSTGRES_BIN to its programs"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)
    with tls_postgres(folder) as server:
        yield server


@pytest.fixture(scope="session")
def tls_shop(tls_server: TlsPostgres, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The name of a database of ``tls_server`` with the runs of ``shop``. Tests must not change it."""
    with tls_server.database() as name:
        write_runs(tls_server.owner_url(name), tmp_path_factory.mktemp("shop-tls"))
        yield name


@contextmanager
def fresh_database(server: str) -> Generator[str]:
    """A database of a new name, dropped at the end, whoever is still connected."""
    name = f"refork_test_{uuid.uuid4().hex[:12]}"
    execute(server, "CREATE DATABASE {}", name)
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        execute(server, "DROP DATABASE {} WITH (FORCE)", name)
