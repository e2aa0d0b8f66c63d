"""The real server process, `python -m service`, which can be started, stopped, killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from examples.service_load.caller import Caller
from examples.service_load.options import require
from examples.serving import ServiceError, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.service_load.databases import Place

START_SECONDS = 300.0  # A start is mostly imports; a machine may have more to do than this.


class ServiceProcess:
    """One service on one port and one database, whatever process serves it just now."""

    def __init__(self, place: Place, artifacts: Path) -> None:
        self.place = place
        self.port = free_port()
        self.log, self._key_file = place.folder / "service.log", place.folder / "admin.key"
        self._command = [sys.executable, "-m", "service", "--port", str(self.port), "--artifacts", str(artifacts)]
        # All clients show the same key here: a limit for each caller would be one for all.
        self._command += ["--admin-key-file", str(self._key_file), "--requests-per-second", "0"]
        database = place.url.render_as_string(hide_password=False)
        self.environment = {**os.environ, "RECURRENCE_RISK_DATABASE": database}
        self.process: subprocess.Popen[bytes] | None = None
        self._callers: list[Caller] = []

    @property
    def key(self) -> str:
        """The admin's key, which the first start made."""
        return self._key_file.read_text(encoding="utf-8").strip()

    def caller(self) -> Caller:
        """A client with a connection of its own, until the service is closed."""
        self._callers.append(Caller(self.port, self.key))
        return self._callers[-1]

    def start(self) -> float:
        """Start and wait until it is ready; returns the seconds that it took. Raises ServiceError."""
        began = time.monotonic()
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self._command, env=self.environment, stdout=sink, stderr=subprocess.STDOUT
            )
        while time.monotonic() < began + START_SECONDS:
            if self.process.poll() is not None:
                said = self.log.read_text(encoding="utf-8", errors="replace").strip()
                raise ServiceError(f"the service ended with exit code {self.process.returncode}: {said[-1000:]}")
            try:
                with closing(Caller(self.port)) as caller:
                    if caller.ask("GET", "/readyz").status == 200:
                        return time.monotonic() - began
            except (OSError, HTTPException):
                time.sleep(0.05)
        raise ServiceError(f"the service was not ready after {START_SECONDS:g} s")

    def kill(self) -> None:
        """End the process at once, whatever it is doing (SIGKILL); does nothing if there is none."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End the process as an operator does (SIGTERM)."""
        if self.process is not None:
            self.process.terminate()
            require(self.process.wait(timeout=60) == 0, "told to stop, the service exits with 0")
            self.process = None

    def close(self) -> None:
        """End the process and all connections to it."""
        self.kill()
        for caller in self._callers:
            caller.close()

    def cpu_seconds(self) -> float:
        """Processor time that the process has taken so far, in all its threads (Linux)."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def verify_audit_log(self) -> str:
        """Run the command that verifies the audit log and return what it says."""
        command = [sys.executable, "-m", "service.audit", "verify"]
        done = subprocess.run(  # noqa: S603 - our own command
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        require(done.returncode == 0, f"the audit log holds (exit code {done.returncode}: {done.stderr.strip()})")
        return done.stdout.strip()


@contextmanager
def serving(place: Place, artifacts: Path) -> Iterator[ServiceProcess]:
    """Run the service on a database until the block ends."""
    service = ServiceProcess(place, artifacts)
    try:
        service.start()
        yield service
    finally:
        service.close()
