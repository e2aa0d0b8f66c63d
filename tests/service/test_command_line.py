"""`python -m service`: what it starts with, and what it refuses to start with."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys

import httpx
import pytest

from service.__main__ import main
from service.settings import SettingsError, read_settings


def test_the_command_line_goes_before_the_environment():
    environment = {"RECURRENCE_RISK_PORT": "81", "RECURRENCE_RISK_DATABASE": "sqlite:///a.sqlite", "HOME": "x"}
    settings = read_settings(["--port", "80"], environment)
    assert settings.port == 80
    assert settings.database.database == "a.sqlite"
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_allowed(host):
    assert read_settings(["--host", host], {}).host == host


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--host", "0.0.0.0"], {}, "host: 0.0.0.0 is not a loopback address. This version has no authentication"),
        (["--host", "::"], {}, "host"),
        (["--host", "192.168.1.5"], {}, "host"),
        (["--host", "example.org"], {}, "host"),
        (["--host", ""], {}, "host"),
        (["--port", "65536"], {}, "port"),
        (["--port", "٨٠"], {}, "port"),
        ([], {"RECURRENCE_RISK_PORT": "-1"}, "port"),
        ([], {"RECURRENCE_RISK_HOTS": "localhost"}, "RECURRENCE_RISK_HOTS"),
        (["--database", "nonsense"], {}, "database"),
        (["--database", "mysql://user:secret@host/name"], {}, "database"),
        (["--database", "postgresql://user:secret@host/name"], {}, "database"),
        (["--database", "sqlite://"], {}, "database"),
        (["--database", "sqlite:///:memory:"], {}, "database"),
    ],
)
def test_f41_a_setting_that_is_no_good_is_named_and_no_password_shown(arguments, environment, named):
    with pytest.raises(SettingsError) as refusal:
        read_settings(arguments, environment)
    assert str(refusal.value).startswith(named)
    assert "secret" not in str(refusal.value)


def test_refusals_exit_with_2_and_one_line(tmp_path, artifacts, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = ["--database", "sqlite:///x.sqlite"]
    away = ["--database", "postgresql+psycopg://user:secret@127.0.0.1:1/name", "--artifacts", str(artifacts)]
    no_folder = ["--database", "sqlite:////nonexistent/folder/x.sqlite", "--artifacts", str(artifacts)]
    for arguments in (["--host", "0.0.0.0"], [*database, "--artifacts", str(tmp_path)], away, no_folder):
        umask = os.umask(0o022)
        assert main(arguments) == 2
        os.umask(umask)
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "secret" not in said


def test_the_service_starts_from_nothing_answers_and_stops(tmp_path, artifacts):
    database = tmp_path / "new.sqlite"
    version = next(artifacts.iterdir())  # A version's own folder will do as well as the folder above it.
    command = [sys.executable, "-m", "service", "--port", "0", "--database", f"sqlite:///{database}"]
    process = subprocess.Popen([*command, "--artifacts", str(version)], stderr=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:[0-9]+", line)))
        assert httpx.get(f"{address}/readyz").json() == {"status": "ready", "model": version.name}
        assert stat.S_IMODE(database.stat().st_mode) == 0o600
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert "Traceback" not in rest


def test_a_port_in_use_is_said_and_exits_with_1(tmp_path, artifacts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "service", "--port", str(taken.getsockname()[1])]
        command += ["--database", f"sqlite:///{tmp_path / 'x.sqlite'}", "--artifacts", str(artifacts)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "address already in use" in done.stderr
