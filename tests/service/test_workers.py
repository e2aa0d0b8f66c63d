"""`python -m service --workers 2`: two processes on one port, as one service."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from service.audit_log.verify import verify
from service.store.database import Database
from tests.service.conftest import PATIENT
from tests.service.databases import new_database

KEY = re.compile(r"rr_[0-9a-f]{16}_[A-Za-z0-9_-]{43}")
REQUESTS = 'recurrence_risk_requests_total{method="GET",route="/v1/model",status="200"}'
IN_FLIGHT = "recurrence_risk_requests_in_flight"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """What a killed service leaves lies here."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@contextlib.contextmanager
def started(url, artifacts, *arguments):
    """Run the command with two workers; gives (process, address, admin's key, lines of stderr so far)."""
    command = [sys.executable, "-m", "service", "--workers", "2", "--port", "0", "--artifacts", str(artifacts)]
    environment = {**os.environ, "RECURRENCE_RISK_DATABASE": url.render_as_string(hide_password=False)}
    process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True, env=environment)
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"2 workers running on (http://127\.0\.0\.1:[0-9]+)", line):
                break
        assert found, said
        yield process, found[1], KEY.findall("".join(said)), said
    finally:
        for pid in (*workers_of(process), process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def workers_of(process):
    """Processes below this one that answer; the one that looks after shared memory does not."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids = children.read_text().split() if children.exists() else []
    return [int(pid) for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_for(what, seconds=60):
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_there(pid):
    """Whether a process runs; one that only waits to be noticed by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def counted(address, headers, name):
    """A metric, asked for ten times: each time of whichever process takes the connection."""
    texts = [httpx.get(f"{address}/metrics", headers=headers).text for _ in range(10)]
    return {float(value) for text in texts for value in re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)}


def asking(address, headers):
    """Two questions to the service, each over a connection of its own: whichever process is free takes it."""

    def model(_):
        return httpx.get(f"{address}/v1/model", headers=headers, timeout=60).status_code

    def patient(number):
        body = {**PATIENT, "patient_ref": f"P-{number}"}
        return httpx.post(f"{address}/v1/patients", json=body, headers=headers, timeout=60).status_code

    return model, patient


def test_f28_two_processes_are_one_service_one_is_replaced_when_killed_and_both_drain_when_told_to_stop(
    tmp_path, artifacts
):
    url = new_database("sqlite", None, tmp_path)
    with started(url, artifacts, "--drain-seconds", "1") as (process, address, keys, said):
        # Tables and the admin's key are made once.
        assert len(keys) == 1
        headers = {"authorization": f"Bearer {keys[0]}"}
        model, patient = asking(address, headers)
        with ThreadPoolExecutor(8) as clients:
            assert set(clients.map(model, range(60))) == {200}
            assert set(clients.map(patient, range(16))) == {201}
        # Whichever process is asked, it counts for both.
        assert counted(address, headers, REQUESTS) == {60.0}
        assert counted(address, headers, IN_FLIGHT) == {1.0}
        assert httpx.get(f"{address}/v1/audit/verify", headers=headers).json()["holds"]

        killed, other = workers_of(process)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: len(workers_of(process)) == 2 and killed not in workers_of(process))
        assert other in workers_of(process)
        assert set(map(model, range(5))) == {200}
        # What a process has counted stays counted after it.
        assert counted(address, headers, REQUESTS) == {65.0}
        assert counted(address, headers, IN_FLIGHT) == {1.0}

        last = workers_of(process)
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{address}/readyz").status_code == 503)
        assert model(0) == 200
        rest = process.communicate(timeout=60)[1]
        assert process.returncode == 0
    assert not any(is_there(pid) for pid in (killed, *last))
    lines = [json.loads(line) for line in [*said[1:], *rest.splitlines()]]
    asked = [line for line in lines if line.get("route") == "/v1/model"]
    assert len(asked) == 66
    assert {line["process"] for line in asked} >= {killed, other}
    assert [line["message"] for line in lines if line["level"] == "error"] == [
        f"worker-0 (process {killed}) ended with -9; another follows"
    ]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/healthz")


def test_f42_nobody_goes_on_alone_after_a_kill_and_nothing_is_left_locked(postgres, request, tmp_path, artifacts):
    url = new_database("postgresql", request, tmp_path)
    with started(url, artifacts) as (process, address, keys, _):
        _, patient = asking(address, {"authorization": f"Bearer {keys[0]}"})
        with ThreadPoolExecutor(8) as clients:
            assert set(clients.map(patient, range(16))) == {201}
        # Whoever has logged in at one process is known to the other.
        session = dict(httpx.post(f"{address}/ui/login", data={"key": keys[0]}, timeout=60).cookies)
        pages = [httpx.get(f"{address}/ui", cookies=session, timeout=60) for _ in range(8)]
        assert {page.status_code for page in pages} == {200}
        left = workers_of(process)
        process.kill()
        wait_for(lambda: not any(is_there(pid) for pid in left))
    database = Database(url)
    with database.writing() as patients:
        found = verify(patients.session)
    database.close()
    assert found.fault is None


def test_f42_a_port_in_use_is_said_by_several_workers_as_by_one(tmp_path, artifacts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "service", "--workers", "2", "--port", str(taken.getsockname()[1])]
        command += ["--database", f"sqlite:///{tmp_path / 'x.sqlite'}", "--artifacts", str(artifacts)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "address already in use" in done.stderr.lower()


def test_what_one_process_would_refuse_several_refuse_once(tmp_path):
    command = [sys.executable, "-m", "service", "--workers", "2", "--port", "0", "--artifacts", str(tmp_path)]
    command += ["--database", f"sqlite:///{tmp_path / 'x.sqlite'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
