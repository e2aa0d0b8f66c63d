"""Tokens of an identity provider (F19), against one that really serves its keys."""

import base64
import json
import threading
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from service.access import jwks, oidc
from service.access.errors import ProviderUnavailableError, UnauthenticatedError
from service.access.fetch import FetchError, Source
from tests.service.access.provider import AUDIENCE, CLAIMS, ISSUER, ROLES, SECONDS, Provider


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tokens(running, provider, clock):
    about = oidc.Provider(ISSUER, AUDIENCE, running[1], "groups", "centres", ROLES, loopback_http=True)
    return oidc.Tokens(about, jwks.KeySet(Source(running[1], loopback_http=True).read, clock))


def refused(tokens, token, now=SECONDS):
    with pytest.raises(UnauthenticatedError) as refusal:
        tokens.caller(token, now)
    assert 'error="invalid_token"' in refusal.value.headers["www-authenticate"]
    return True


@pytest.mark.parametrize("key", ["rsa", "ec", "ed"])
def test_a_token_of_each_algorithm_names_its_subject_roles_and_centres(tokens, provider, key):
    caller = tokens.caller(provider.token(key), SECONDS)
    assert caller.name == "oidc:u-17"
    assert caller.roles == {"clinician"}
    assert caller.centres == {"north"}


def unsigned(claims, header):
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join(parts) + "."


def test_f19_a_token_that_nobody_signed_is_refused(tokens, provider):
    for name in ("none", "None", "NONE", ""):
        assert refused(tokens, unsigned(CLAIMS, {"alg": name, "kid": "rsa"}))
    token = provider.token()
    assert refused(tokens, token.rpartition(".")[0] + ".")
    assert refused(tokens, unsigned(CLAIMS, {"alg": "RS256", "kid": "rsa"}))


def test_f19_a_token_signed_with_the_public_key_as_a_secret_is_refused(tokens, provider):
    public = provider.private["rsa"][0].public_key()
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("HS256", "HS512"):
        # The library refuses to sign so; a forger's would not.
        signer = jwt.get_algorithm_by_name(algorithm)
        head = unsigned(CLAIMS, {"alg": algorithm, "kid": "rsa"})[:-1]
        signature = base64.urlsafe_b64encode(signer.sign(head.encode(), secret)).rstrip(b"=").decode()
        assert refused(tokens, f"{head}.{signature}")


def test_f19_other_algorithms_and_other_keys_are_refused(tokens, provider):
    key = provider.private["rsa"][0]
    assert refused(tokens, jwt.encode(CLAIMS, key, "RS512", {"kid": "rsa"}))
    assert refused(tokens, jwt.encode(CLAIMS, key, "PS256", {"kid": "rsa"}))
    assert refused(tokens, jwt.encode(CLAIMS, key, "RS256", {"kid": "ec"}))
    assert refused(tokens, jwt.encode(CLAIMS, provider.private["ec"][0], "ES256", {"kid": "rsa"}))
    stranger = rsa.generate_private_key(65537, 2048)
    assert refused(tokens, jwt.encode(CLAIMS, stranger, "RS256", {"kid": "rsa"}))
    # A key or an address that the token itself brings is not looked at.
    brought = {"kid": "x", "jwk": provider.jwk("rsa"), "jku": "https://evil.example/keys"}
    assert refused(tokens, jwt.encode(CLAIMS, stranger, "RS256", brought))


def test_f19_a_token_without_the_name_of_its_key_is_refused(tokens, provider):
    key = provider.private["rsa"][0]
    assert refused(tokens, jwt.encode(CLAIMS, key, "RS256"))
    assert provider.asked == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example.org/hospital/"},
        {"iss": "https://evil.example"},
        {"aud": "another-service"},
        {"aud": []},
        {"aud": None},
        {"sub": ""},
        {"sub": 17},
        {"sub": "a\nb"},
        {"sub": "x" * 151},
        {"exp": SECONDS - 61},
        {"exp": "soon"},
        {"exp": None},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": -(10**400)},
        {"exp": 10**400},
        {"iat": 10**400},
        {"iat": float("nan")},
        {"nbf": float("nan")},
        {"nbf": 10**400},
        {"nbf": SECONDS + 61},
        {"nbf": "x"},
        {"iat": SECONDS + 61},
    ],
)
def test_f19_claims_that_are_not_for_us_or_not_now_are_refused(tokens, provider, changes):
    assert refused(tokens, provider.token(**changes))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "iat"])
def test_f19_claims_that_are_left_out_are_refused(tokens, provider, claim):
    assert refused(tokens, provider.token(without=[claim]))


def test_clocks_may_differ_by_a_minute(tokens, provider):
    for changes in ({"exp": SECONDS - 59}, {"nbf": SECONDS + 60}, {"iat": SECONDS + 60}, {"aud": ["x", AUDIENCE]}):
        assert tokens.caller(provider.token(**changes), SECONDS).name == "oidc:u-17"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b", "....", "\N{SNOWMAN}.x.y", "e30.e30.", "x" * 9000, "null"])
def test_f19_what_is_no_token_is_refused(tokens, token):
    assert refused(tokens, token)


def test_roles_and_centres_are_those_that_the_settings_name_and_no_others(tokens, provider):
    def of(**changes):
        return tokens.caller(provider.token(**changes), SECONDS)

    assert of(groups=["risk-doctors", "admin", "clinician", "x"]).roles == {"clinician"}
    assert of(groups="risk-watch").roles == {"metrics"}
    for nothing in ([], None, 7, {"a": 1}, [["risk-admins"]], "risk-admin"):
        assert of(groups=nothing).roles == frozenset()
    for nothing in ([], None, 7, [7]):
        assert of(centres=nothing).centres == frozenset()
    assert of(centres="north").centres == {"north"}
    # What no centre's name can be: patients without a centre are kept under "".
    for nothing in ("", "a\0b", "a\nb", "x" * 101, ["", "\ud800"]):
        assert of(centres=nothing).centres == frozenset()
    assert of(groups=["risk-admins"], centres=[]).centres is None


@pytest.mark.parametrize(
    "group", ["CN=Risk-Doctors,OU=Groups,OU=Surgery," + "DC=hospital," * 8, "Klinik\N{NO-BREAK SPACE}Nord"]
)
def test_a_group_that_the_settings_name_may_have_any_name(tokens, provider, group):
    about = replace(tokens.provider, roles={group: "clinician"}, centres={group: "north"})
    caller = replace(tokens, provider=about).caller(provider.token(groups=[group], centres=[group]), SECONDS)
    assert (caller.roles, caller.centres) == ({"clinician"}, {"north"})


def test_centres_can_be_translated_and_a_star_is_every_one(tokens, provider):
    about = replace(tokens.provider, centres_claim="org.units", centres={"u1": "north", "u2": "south", "all": "*"})
    tokens = replace(tokens, provider=about)

    def centres(units):
        return tokens.caller(provider.token(org={"units": units}), SECONDS).centres

    assert centres(["u1", "u2", "north"]) == {"north", "south"}
    assert centres(["u1", "all"]) is None
    assert centres(["*"]) == frozenset()


def test_f19_keys_are_kept_and_an_unknown_one_asks_once_a_minute_at_most(tokens, provider, clock):
    for _ in range(3):
        tokens.caller(provider.token(), SECONDS)
    assert provider.asked == 1
    for number in range(5):
        clock.now += 11
        assert refused(tokens, provider.token(headers={"kid": f"made up {number}"}))
    assert provider.asked == 1
    clock.now += 6
    assert refused(tokens, provider.token(headers={"kid": "made up"}))
    assert provider.asked == 2


def test_a_new_key_is_there_with_the_first_token_that_names_it_and_an_old_one_goes(tokens, provider, clock):
    old = provider.token("rsa")
    tokens.caller(old, SECONDS)
    provider.private["new"] = (ec.generate_private_key(ec.SECP256R1()), "ES256")
    provider.offered = ["new"]
    clock.now += 60
    assert tokens.caller(provider.token("new"), SECONDS).name == "oidc:u-17"
    assert refused(tokens, old)


def test_f19_while_the_provider_is_away_the_keys_that_are_kept_go_on(tokens, provider, clock):
    tokens.caller(provider.token(), SECONDS)
    provider.status = 500
    for hours in (0.5, 1, 30):
        clock.now += hours * 3600
        assert tokens.caller(provider.token(), SECONDS).name == "oidc:u-17"
        assert refused(tokens, provider.token(headers={"kid": "unknown"}))
    assert provider.asked > 1


def test_f19_without_any_key_nobody_gets_in(tokens, provider, clock):
    provider.status = 500
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError):
            tokens.caller(provider.token(), SECONDS)
    assert provider.asked == 1
    provider.status = 200
    clock.now += 5
    assert tokens.caller(provider.token(), SECONDS).roles == {"clinician"}


def test_f19_while_somebody_else_fetches_the_keys_others_wait_a_little_and_those_with_a_known_key_not_at_all(
    monkeypatch,
):
    monkeypatch.setattr(jwks, "PATIENCE_SECONDS", 0.05)
    fetching, go_on = threading.Event(), threading.Event()
    first = listed(Provider().jwk("ec"))

    def fetch():
        fetching.set()
        assert go_on.wait(20)
        return first

    clock = Clock()
    keys = jwks.KeySet(fetch, clock)

    def begin():
        fetching.clear()
        go_on.clear()
        thread = threading.Thread(target=keys.find, args=("ec",))
        thread.start()
        assert fetching.wait(20)
        return thread

    def end(thread):
        go_on.set()
        thread.join()

    thread = begin()
    with pytest.raises(ProviderUnavailableError):
        keys.find("ec")
    end(thread)
    assert keys.find("ec") is not None
    clock.now += jwks.KEPT_SECONDS
    thread = begin()
    assert keys.find("ec") is not None
    with pytest.raises(ProviderUnavailableError):
        keys.find("new")
    end(thread)
    assert keys.find("new") is None


def listed(*entries):
    return json.dumps({"keys": entries}).encode()


def test_keys_that_prove_nothing_are_left_out(provider):
    good = provider.jwk("ec")
    key = provider.private["rsa"][0]
    private = jwt.get_algorithm_by_name("RS256").to_jwk(key, as_dict=True) | {"kid": "private"}
    small = rsa.generate_private_key(65537, 1024).public_key()
    small = jwt.get_algorithm_by_name("RS256").to_jwk(small, as_dict=True) | {"kid": "small"}
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    other = jwt.get_algorithm_by_name("ES384").to_jwk(other, as_dict=True) | {"kid": "other"}
    shared = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}
    wrong = [
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "alg", "alg": "ES512"},
        {"kty": "RSA", "kid": "half"},
        {**good, "kid": "curve", "crv": ["P-256"]},
        {**good, "kid": "kind", "kty": {}},
    ]
    found = jwks.usable_keys(listed(good, private, small, other, shared, *wrong, None, "x", {}, {"kid": 7}))
    assert set(found) == {"ec"}
    for nothing in (listed(shared), listed(), b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 100_000):
        with pytest.raises(FetchError):
            jwks.usable_keys(nothing)
