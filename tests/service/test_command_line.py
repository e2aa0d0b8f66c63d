"""`python -m service`: what it starts with, and what it refuses to start with."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.__main__ import main
from service.app import create_app
from service.settings import Settings, SettingsError, database_url, read_settings
from tests.service.conftest import PATIENT, key_for, serving


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
        (["--host", "0.0.0.0"], {}, "host: 0.0.0.0 is not a loopback address, and others would send keys"),
        (["--host", "::"], {}, "host"),
        (["--host", "192.168.1.5"], {}, "host"),
        (["--host", "example.org"], {}, "host"),
        (["--host", ""], {}, "host"),
        (["--port", "65536"], {}, "port"),
        (["--port", "٨٠"], {}, "port"),
        ([], {"RECURRENCE_RISK_PORT": "-1"}, "port"),
        ([], {"RECURRENCE_RISK_HOTS": "localhost"}, "RECURRENCE_RISK_HOTS"),
        (["--behind-proxy", "maybe"], {}, "behind-proxy"),
        (["--behind-proxy", "yes"], {}, "hostname"),
        (["--host", "0.0.0.0", "--behind-proxy", "yes"], {}, "hostname"),
        (["--hostname", "http://x"], {}, "hostname"),
        (["--hostname", "x:80"], {}, "hostname"),
        (["--tls-cert", "x"], {}, "tls-cert, tls-key"),
        (["--tls-key", "x"], {}, "tls-cert, tls-key"),
        (["--tls-cert", "x", "--tls-key", "/nonexistent"], {}, "tls-key"),
        (["--requests-per-second", "-1"], {}, "requests-per-second"),
        (["--most-in-flight", "0"], {}, "most-in-flight"),
        (["--workers", "0"], {}, "workers"),
        ([], {"RECURRENCE_RISK_WORKERS": "65"}, "workers"),
        ([], {"RECURRENCE_RISK_DRAIN_SECONDS": "1.5"}, "drain-seconds"),
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


def secret_file(tmp_path, content, mode=0o600):
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    return ["--session-secret-file", str(file)]


@pytest.mark.parametrize(
    "content", [b"", b"x" * 31, b"change-me" * 10, b"a" * 64, b"password" * 8, b"secret secret secret!" * 2]
)
def test_f41_a_weak_secret_is_refused_and_not_shown(tmp_path, content):
    with pytest.raises(SettingsError, match=r"^session-secret-file: holds a weak secret") as refusal:
        read_settings(secret_file(tmp_path, content), {})
    assert len(content) == 0 or content.decode() not in str(refusal.value)


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o604, True), (0o644, True)])
def test_f41_a_secret_that_everybody_can_read_is_refused(tmp_path, mode, refused):
    secret = base64.b64encode(os.urandom(48))
    arguments = secret_file(tmp_path, secret + b"\n", mode)
    if refused:
        with pytest.raises(SettingsError, match=r"^session-secret-file: everybody on this machine can read this file"):
            read_settings(arguments, {})
    else:
        assert read_settings(arguments, {}).session_secret == secret


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost, and its key, as files."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    (folder / "key.pem").chmod(0o600)
    return folder


def tls(certificate):
    return ["--tls-cert", str(certificate / "cert.pem"), "--tls-key", str(certificate / "key.pem")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_beyond_loopback_it_wants_tls_or_a_proxy_that_does_it(certificate, host):
    named = ["--host", host, "--hostname", "Risk.example.org,10.0.0.7"]
    assert read_settings([*named, *tls(certificate)], {}).hostnames == ("risk.example.org", "10.0.0.7")
    assert read_settings([*named, "--behind-proxy", "yes"], {}).behind_proxy
    for missing in (named, ["--host", host, *tls(certificate)]):
        with pytest.raises(SettingsError):
            read_settings(missing, {})


def test_f41_a_tls_key_that_everybody_can_read_or_that_is_another_s_is_refused(certificate, tmp_path):
    key = tmp_path / "key.pem"
    key.write_bytes((certificate / "key.pem").read_bytes())
    key.chmod(0o644)
    arguments = ["--tls-cert", str(certificate / "cert.pem"), "--tls-key", str(key)]
    with pytest.raises(SettingsError, match=r"^tls-key: everybody"):
        read_settings(arguments, {})
    other = ec.generate_private_key(ec.SECP256R1())
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(other.private_bytes(*plain))
    key.chmod(0o600)
    with pytest.raises(SettingsError, match=r"^tls-cert, tls-key: are not a certificate and its key"):
        read_settings(arguments, {})


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


@contextlib.contextmanager
def started(tmp_path, artifacts, *arguments):
    """Run the command; gives (process, address, lines of stderr so far)."""
    command = [sys.executable, "-m", "service", "--port", "0", "--database", f"sqlite:///{tmp_path / 'new.sqlite'}"]
    # A version's own folder will do as well as the folder above it.
    command += ["--artifacts", str(next(artifacts.iterdir())), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"https?://127\.0\.0\.1:[0-9]+", line):
                break
        yield process, found[0], said
    finally:
        process.kill()
        process.communicate()


def test_the_service_starts_from_nothing_shows_a_key_once_answers_and_stops(tmp_path, artifacts):
    keys = []
    for _ in range(2):
        with started(tmp_path, artifacts) as (process, address, said):
            keys += re.findall(r"rr_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", "".join(said))
            assert httpx.get(f"{address}/readyz").json()["status"] == "ready"
            headers = {"authorization": f"Bearer {keys[0]}"}
            assert httpx.get(f"{address}/v1/api-keys", headers=headers).status_code == 200
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=30)[1]
        assert process.returncode == 0
        assert "Traceback" not in rest
        assert keys[0] not in rest
    assert len(keys) == 1
    assert stat.S_IMODE((tmp_path / "new.sqlite").stat().st_mode) == 0o600


def test_over_tls_it_answers_under_its_name_alone(tmp_path, artifacts, certificate):
    arguments = [*tls(certificate), "--hostname", "risk.example.org"]
    trusted = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    with started(tmp_path, artifacts, *arguments) as (_, address, _):
        named = address.replace("127.0.0.1", "localhost")
        answer = httpx.get(f"{named}/healthz", verify=trusted)
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        for host, status in (("risk.example.org", 401), ("evil.example", 421), ("localhost", 401)):
            assert httpx.get(f"{named}/v1/model", verify=trusted, headers={"host": host}).status_code == status
        login = httpx.post(f"{named}/ui/login", verify=trusted, data={"key": "x"})
        assert login.status_code == 401
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{named.replace('https', 'http')}/healthz")


def test_f28_told_to_stop_it_is_first_not_ready_and_answers_until_it_has_drained(tmp_path, artifacts):
    key = tmp_path / "admin.key"
    arguments = ["--admin-key-file", str(key), "--drain-seconds", "2"]
    with started(tmp_path, artifacts, *arguments) as (process, address, said):
        headers = {"authorization": f"Bearer {key.read_text().strip()}"}
        assert httpx.get(f"{address}/readyz").status_code == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        statuses, ready = [], []
        # One client: each of its own would take longer to make than the service to answer.
        with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=address, headers=headers) as client:
            while process.poll() is None:
                ready.append(client.get("/readyz").status_code)
                statuses.append(client.get("/v1/model").status_code)
        rest = process.communicate(timeout=30)[1]
        assert process.returncode == 0
        assert time.monotonic() - began > 1.9
    assert set(ready[1:]) == {503}
    assert len(statuses) > 5
    assert set(statuses) == {200}
    # What it says once it runs is JSON, a line each.
    assert said[0] == f"A key for an admin is in {key}\n"
    lines = [json.loads(line) for line in (*said[1:], *rest.splitlines())]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    assert {line["route"] for line in lines if line["logger"] == "service.requests"} == {"/readyz", "/v1/model"}


def test_f42_a_second_instance_on_the_same_file_reads_and_writes_beside_the_first(tmp_path, artifacts):
    url = database_url(f"sqlite:///{tmp_path / 'new.sqlite'}")
    app = create_app(Settings(url, artifacts))
    with serving(app) as first, started(tmp_path, artifacts) as (_, second, _):
        headers = key_for(app, "admin")
        with httpx.Client(headers=headers, timeout=60) as client:
            for number in range(10):
                address, other = (first, second) if number % 2 else (second, first)
                made = client.post(f"{address}/v1/patients", json={**PATIENT, "patient_ref": str(number)})
                assert client.get(other + made.headers["location"]).json()["patient_ref"] == str(number)


def test_f42_a_port_in_use_is_said_and_exits_with_1(tmp_path, artifacts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "service", "--port", str(taken.getsockname()[1])]
        command += ["--database", f"sqlite:///{tmp_path / 'x.sqlite'}", "--artifacts", str(artifacts)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 1
    assert done.stderr == f"127.0.0.1:{command[4]}: address already in use: choose another port with --port\n"
    assert not (tmp_path / "x.sqlite").exists()
