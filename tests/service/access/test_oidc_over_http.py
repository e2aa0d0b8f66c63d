"""An identity provider beside API keys: the running service, and the operator's file."""

import httpx
import pytest

from service.access import oidc
from service.access.binding import SettingsError
from service.access.oidc_file import read_provider
from service.app import create_app
from service.settings import Settings, database_url, read_settings
from tests.service.access.provider import AUDIENCE, ISSUER, ROLES, SECONDS, provider_server
from tests.service.checks import problem
from tests.service.conftest import NOW, PATIENT, admin_of, serving

FILE = f"""
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks_url = "https://login.example.org/keys"
roles_claim = "groups"
centres_claim = "centres"
[roles]
risk-doctors = "clinician"
"""


@pytest.fixture(scope="module")
def running_app(tmp_path_factory, artifacts, running):
    about = oidc.Provider(ISSUER, AUDIENCE, running[1], "groups", "centres", ROLES, loopback_http=True)
    url = database_url(f"sqlite:///{tmp_path_factory.mktemp('oidc') / 'x.sqlite'}")
    app = create_app(Settings(url, artifacts, oidc=about), clock=lambda: NOW)
    with serving(app) as address:
        yield app, address


def test_over_http_a_token_opens_what_its_roles_and_centres_open(running_app, running):
    app, address = running_app
    with admin_of(app, address) as admin:
        bodies = [{**PATIENT, "patient_ref": f"of {centre}", "centre": centre} for centre in ("north", "south")]
        north, south = (admin.post("/v1/patients", json=body).headers["location"] for body in bodies)
    bearer = {"authorization": f"Bearer {running[0].token()}"}
    assert httpx.get(address + north, headers=bearer).status_code == 200
    problem(httpx.get(address + south, headers=bearer), 404)
    problem(httpx.get(f"{address}/metrics", headers=bearer), 403)
    bad = httpx.get(address + north, headers={"authorization": f"Bearer {running[0].token(exp=SECONDS - 61)}"})
    problem(bad, 401)
    assert bad.headers["www-authenticate"] == 'Bearer realm="recurrence-risk", error="invalid_token"'
    # The pages take keys only.
    assert httpx.post(f"{address}/ui/login", data={"key": running[0].token()}).status_code == 401


def test_f19_over_http_no_keys_at_all_is_503_and_api_keys_go_on(tmp_path, artifacts):
    with provider_server() as (provider, url, stop):
        token = provider.token()
        stop()
    about = oidc.Provider(ISSUER, AUDIENCE, url, "groups", "centres", ROLES, loopback_http=True)
    settings = Settings(database_url(f"sqlite:///{tmp_path / 'x.sqlite'}"), artifacts, oidc=about)
    app = create_app(settings, clock=lambda: NOW)
    with serving(app) as address, admin_of(app, address) as admin:
        refusal = httpx.get(f"{address}/v1/model", headers={"authorization": f"Bearer {token}"})
        assert problem(refusal, 503)["type"].endswith(":identity-provider-unavailable")
        assert refusal.headers["retry-after"] == "5"
        assert admin.get("/v1/model").status_code == 200


def test_f41_the_provider_s_file_is_read_to_the_letter(tmp_path):
    file = tmp_path / "oidc.toml"
    file.write_text(FILE)
    assert read_settings(["--oidc", str(file)], {}).oidc == read_provider(file)
    assert read_provider(file).roles == {"risk-doctors": "clinician"}
    for old, new, said in (
        ('audience = "recurrence-risk"', "", "audience"),
        ('"clinician"', '"doctor"', "roles.risk-doctors"),
        ('"groups"', "7", "roles_claim"),
        ("audience", "audiense", "audiense"),
        ("https://login.example.org/keys", "http://login.example.org/keys", "jwks_url must start with https://"),
        ("https://login.example.org/keys", "https://user:pw@login.example.org/keys", "jwks_url is not a plain"),
        ("[roles]", "loopback_http = true\n[roles]", "loopback_http"),
        ("issuer", "=", "is not TOML"),
    ):
        file.write_text(FILE.replace(old, new, 1))
        with pytest.raises(SettingsError, match="^oidc: ") as refusal:  # noqa: RUF043
            read_provider(file)
        assert said in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert "pw@" not in str(refusal.value)
