"""Reading the provider's keys: from the one address, over TLS, from no private corner, not too much (F43)."""

import socket
import time

import pytest

from service.access import fetch
from service.access.fetch import FetchError, Source, is_elsewhere, required_address


def source(running, **changes):
    return Source(**{"url": running[1], "loopback_http": True} | changes)


def test_a_document_is_read(running, provider):
    assert source(running).read() == provider.document()


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/keys",
        "file:///etc/passwd",
        "ftp://login.example.org/keys",
        "login.example.org/keys",
        "https://",
        "https://user@login.example.org/",
        "https://user:word@login.example.org/",
        "https://login.example.org:0/",
        "https://login.example.org:x/",
        "https://[::1/",
        "https://login.example.org/#x",
        "",
    ],
)
def test_f43_an_address_that_is_not_plain_https_is_refused(url):
    with pytest.raises(FetchError):
        required_address(url)
    with pytest.raises(FetchError):
        Source(url).read()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "169.254.0.1", "224.0.0.1", "255.255.255.255"),
        *("fd00:ec2::254", "100.100.100.200", "168.63.129.16"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "ff02::1"),
    ],
)
def test_f43_this_machine_and_a_cloud_s_metadata_are_no_provider(address):
    assert not is_elsewhere(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "10.1.2.3", "192.168.1.1", "2001:4860:4860::8888"])
def test_a_hospital_s_own_network_and_the_internet_are(address):
    assert is_elsewhere(address)


@pytest.fixture
def ear():
    """A port of loopback that hears whether anybody connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def is_silent(ear):
    time.sleep(0.05)
    try:
        ear.accept()[0].close()
    except BlockingIOError:
        return True
    return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"])
def test_f43_this_machine_is_refused_before_anything_is_connected(ear, host):
    with pytest.raises(FetchError, match=r"its name leads to this machine"):
        Source(f"https://{host}:{ear.getsockname()[1]}/keys").read()
    assert is_silent(ear)


def test_f43_a_name_is_looked_up_once_and_what_was_checked_is_connected(ear, monkeypatch):
    asked = []

    def rebinding(host, port, **_):
        asked.append(host)
        # The first answer is harmless, any later one is this machine; nothing listens at the first.
        first = ("192.0.2.1", port) if len(asked) == 1 else ("127.0.0.1", ear.getsockname()[1])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", first)]

    monkeypatch.setattr(fetch.socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(fetch, "DEADLINE_SECONDS", 0.2)
    with pytest.raises(FetchError):
        Source("https://login.example.org/keys").read()
    assert asked == ["login.example.org"]
    assert is_silent(ear)


def test_f43_redirects_are_not_followed(running, provider):
    provider.status, provider.headers = 302, {"location": running[1] + "?again"}
    with pytest.raises(FetchError, match="it answered 302"):
        source(running).read()
    assert provider.asked == 1


def test_f43_no_proxy_of_the_environment_is_used(running, provider, ear, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{ear.getsockname()[1]}")
    assert source(running).read() == provider.document()
    assert is_silent(ear)


def test_an_address_that_http_cannot_carry_is_an_error(running):
    for url in (f"{running[1]}/schlüssel", f"{running[1]}/a b"):
        with pytest.raises(FetchError):
            source(running, url=url).read()


@pytest.mark.parametrize("status", [204, 404, 500])
def test_another_status_is_no_document(running, provider, status):
    provider.status = status
    with pytest.raises(FetchError, match=f"it answered {status}"):
        source(running).read()


def test_f43_too_much_is_not_read(running, provider):
    provider.body = b" " * 200_001
    with pytest.raises(FetchError, match="more than 200000 bytes"):
        source(running).read()


def test_f43_a_provider_that_drips_is_left(running, provider, monkeypatch):
    monkeypatch.setattr(fetch, "DEADLINE_SECONDS", 0.3)
    provider.body, provider.slowly = b" " * 20_000, 0.1
    began = time.monotonic()
    with pytest.raises(FetchError, match="it took too long"):
        source(running).read()
    assert time.monotonic() - began < 1.5


def test_a_provider_that_is_away_or_speaks_no_http_is_an_error(ear):
    closed = ear.getsockname()[1]
    ear.close()
    too_long = f"https://{'a' * 64}.org/"
    for url in (f"http://127.0.0.1:{closed}/", "https://nowhere.invalid/", "https://a..b/", too_long):
        with pytest.raises(FetchError):
            Source(url, loopback_http=True).read()
