"""A service on SQLite with one patient in each of two centres, and an identity provider."""

import httpx
import pytest

from service.app import create_app
from service.settings import Settings, database_url
from tests.service.access.provider import provider_server
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, key_for, serving


@pytest.fixture(scope="module")
def app(tmp_path_factory, artifacts):
    url = database_url(f"sqlite:///{tmp_path_factory.mktemp('access') / 'service.sqlite'}")
    return create_app(Settings(url, artifacts, requests_per_second=0), clock=lambda: NOW)


@pytest.fixture(scope="module")
def server(app):
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def admin(app, server):
    with admin_of(app, server) as http:
        yield http


@pytest.fixture(scope="module")
def patients(admin):
    """Addresses of one patient with a visit in each centre."""
    found = {}
    for centre in ("north", "south"):
        body = {**PATIENT, "patient_ref": f"at {centre}", "centre": centre}
        found[centre] = admin.post("/v1/patients", json=body).headers["location"]
        admin.post(f"{found[centre]}/visits", json=VISIT)
    return found


@pytest.fixture
def caller(app, server):
    """Make a client with a new key of these roles and centres."""
    clients = []

    def make(*roles, centres=None, headers=None):
        clients.append(
            httpx.Client(
                base_url=server,
                timeout=60,
                headers={**(key_for(app, *roles, centres=centres) if roles else {}), **(headers or {})},
            )
        )
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def running():
    """An identity provider, and the address of its keys."""
    with provider_server() as (provider, url, _):
        yield provider, url


@pytest.fixture
def provider(running):
    """The provider, behaving, and not asked yet."""
    provider, _ = running
    before = dict(provider.__dict__)
    provider.__dict__.update(asked=0, offered=list(provider.private), private=dict(provider.private))
    yield provider
    provider.__dict__.update(before)
