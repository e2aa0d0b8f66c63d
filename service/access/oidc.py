"""Tokens of an identity provider (OpenID Connect): signed by one of its keys, for us, now; claims become roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from service.access.errors import UnauthenticatedError
from service.access.fetch import Source
from service.access.jwks import KeySet
from service.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

# Asymmetric signatures only. With "none" or HS256 anybody could sign: of the latter, the public key is the secret.
ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY_SECONDS = 60
FOREVER = 2**63
MOST_TOKEN_LETTERS = 8192
MOST_SUBJECT_LETTERS = 150
MOST_NAME_LETTERS = 100
EVERY_CENTRE = "*"
NOT_GOOD = "This token does not open anything."


@dataclass(frozen=True)
class Provider:
    """What an operator says about the identity provider.

    Attributes
    ----------
    issuer, audience : what `iss` must be and `aud` must hold, to the letter
    jwks_url : where its public keys are
    roles_claim, centres_claim : claims that hold a text or a list of texts; dots lead into objects
    roles : the claim's words, and which of our roles each means
    centres : the claim's words, and which centre each means ("*" = every one); None = the words are our centres' names
    loopback_http : for tests: the keys may come from this machine without TLS
    """

    issuer: str
    audience: str
    jwks_url: str
    roles_claim: str
    centres_claim: str
    roles: Mapping[str, str]
    centres: Mapping[str, str] | None = None
    loopback_http: bool = False


@dataclass(frozen=True)
class Tokens:
    """Turns a provider's tokens into callers."""

    provider: Provider
    keys: KeySet

    def caller(self, token: str, now: float) -> Caller:
        """Check a token at a moment (seconds since 1970).

        Raises UnauthenticatedError, or ProviderUnavailableError where there is no key to check it with.
        """
        claims = self._claims(token, now)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT_LETTERS or not subject.isprintable():
            raise UnauthenticatedError(NOT_GOOD, invalid=True)
        words = _words(claims, self.provider.roles_claim)
        roles = frozenset(self.provider.roles[word] for word in words if word in self.provider.roles)
        return Caller(f"oidc:{subject}", roles, self._centres(claims, roles))

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        """Verify the signature with a key of the provider's, then who it is from, for whom, and when it counts."""
        refused = UnauthenticatedError(NOT_GOOD, invalid=True)
        if len(token) > MOST_TOKEN_LETTERS:
            raise refused
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise refused from None
        name, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(name, str) or algorithm not in ALGORITHMS:
            raise refused
        key = self.keys.find(name)
        if key is None:
            raise refused
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                # The key's own algorithm: a token cannot choose another one for it.
                algorithms=[key.algorithm_name],
                issuer=self.provider.issuer,
                audience=self.provider.audience,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"],
                    # By the service's clock, below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise refused from None
        if not _counts(claims, now):
            raise refused
        return claims

    def _centres(self, claims: dict[str, Any], roles: frozenset[str]) -> frozenset[str] | None:
        """Find whose patients a token reaches: nobody's, where it says nothing."""
        if "admin" in roles:
            return None
        words = _words(claims, self.provider.centres_claim)
        if self.provider.centres is None:
            return frozenset(word for word in words if _could_be_a_name(word))
        named = {self.provider.centres[word] for word in words if word in self.provider.centres}
        return None if EVERY_CENTRE in named else frozenset(named)


def tokens_of(provider: Provider) -> Tokens:
    """Take a provider's tokens; its keys are fetched with the first of them."""
    return Tokens(provider, KeySet(Source(provider.jwks_url, loopback_http=provider.loopback_http).read))


def _counts(claims: dict[str, Any], now: float) -> bool:
    """Whether a token counts at a moment: issued and begun by then, and not over; clocks may differ a little."""
    moments = [claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])]
    if any(isinstance(moment, bool) or not isinstance(moment, int | float) for moment in moments):
        return False
    latest = now + LEEWAY_SECONDS
    over, issued, begins = moments
    # Infinity, which JSON does not know and its reader does, is no moment.
    return bool(now - LEEWAY_SECONDS < over < FOREVER and issued <= latest and begins <= latest)


def _words(claims: dict[str, Any], path: str) -> list[str]:
    """Read a claim that holds a text or a list of texts; anything else says nothing."""
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    words = [found] if isinstance(found, str) else found
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def _could_be_a_name(word: str) -> bool:
    # "" is how patients without a centre are kept.
    return 0 < len(word) <= MOST_NAME_LETTERS and word.isprintable()
