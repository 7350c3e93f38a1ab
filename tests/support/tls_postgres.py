"""A real Postgres that takes passwords over TLS alone: the machine's own, since the embedded one has no TLS."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from support.certificates import authority, issue, write_pem

CERTIFIED = "certified"
"""A role that logs in by its client certificate."""
HBA = f"""local all postgres trust
hostssl all {CERTIFIED} 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True, kw_only=True)
class TlsPostgres:
    """Listens on 127.0.0.1, with a certificate for ``localhost``. ``folder`` holds the clients' files."""

    port: int
    folder: Path
    sockets: Path

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.crt")

    def owner_url(self, database: str = "postgres") -> str:
        """For the superuser, over the socket and without a password."""
        return f"postgresql://postgres@/{database}?host={self.sockets}&port={self.port}"

    def execute(self, statement: str, *names: object, database: str = "postgres") -> None:
        """Names that are Identifier are quoted as such, others as literals."""
        parts = [name if isinstance(name, Identifier) else Literal(name) for name in names]
        # A test may set PGHOSTADDR for what it tests, and that is not meant for this connection.
        with psycopg.connect(self.owner_url(database), hostaddr="", autocommit=True) as connection:
            connection.execute(SQL(statement).format(*parts))  # pyright: ignore[reportArgumentType]

    @contextmanager
    def database(self) -> Generator[str]:
        """The name of a new database, dropped in the end."""
        name = f"refork_{uuid.uuid4().hex[:10]}"
        self.execute("CREATE DATABASE {}", Identifier(name))
        try:
            yield name
        finally:
            self.execute("DROP DATABASE {} WITH (FORCE)", Identifier(name))

    @contextmanager
    def role(self, database: str, *, password: str, name: str | None = None) -> Generator[str]:
        """The name of a role that may do everything in ``database`` and logs in with ``password``."""
        name = name or f"reader_{uuid.uuid4().hex[:8]}"
        self.execute("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}", Identifier(name), password)
        try:
            yield name
        finally:
            self.execute("REASSIGN OWNED BY {} TO postgres", Identifier(name), database=database)
            self.execute("DROP OWNED BY {}", Identifier(name), database=database)
            self.execute("DROP ROLE {}", Identifier(name))


def programs() -> Path | None:
    """The folder of a Postgres that was built with TLS; the embedded server of our extra was not."""
    given, found = os.environ.get("REFORK_TEST_POSTGRES_BIN"), shutil.which("initdb")
    folders = [Path(given)] if given else [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


@contextmanager
def tls_postgres(folder: Path) -> Generator[TlsPostgres]:
    """A server of the programs in ``folder``, run by another user where we are root."""
    base = Path(tempfile.mkdtemp(prefix="refork-tls-"))
    base.chmod(0o755)
    data, clients = base / "data", base / "clients"
    user = _server_user()
    for made in (data, clients):
        made.mkdir()
    if user is not None:
        shutil.chown(data, user)
    port = _free_port()

    def run(program: str, *args: str) -> None:
        command = [str(folder / program), "-D", str(data), *args]
        subprocess.run(command, user=user, cwd=base, check=True, stdout=subprocess.DEVNULL, timeout=60)

    try:
        run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=utf8")
        _configure(data, clients, user)
        run("pg_ctl", "-w", "-o", f"-h 127.0.0.1 -p {port} -k {data}", "-l", str(data / "log"), "start")
        try:
            yield TlsPostgres(port=port, folder=clients, sockets=data)
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _server_user() -> str | None:
    """Postgres refuses to run as root."""
    return "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def _configure(data: Path, clients: Path, user: str | None) -> None:
    signer, key = authority()
    write_pem(clients / "ca.crt", signer)
    shutil.copy(clients / "ca.crt", data / "ca.crt")
    issue(data, "server", "localhost", signer, key)
    issue(clients, "client", CERTIFIED, signer, key)
    (data / "pg_hba.conf").write_text(HBA)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(
            "\nssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n"
            "ssl_ca_file = 'ca.crt'\nfsync = off\n"
        )
    if user is not None:
        for file in ("server.crt", "server.key", "ca.crt"):
            shutil.chown(data / file, user)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])
