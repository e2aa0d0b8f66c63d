"""The operator's file about the identity provider (TOML) to a Provider."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.access.binding import SettingsError
from service.access.fetch import FetchError, required_address
from service.access.oidc import Provider
from service.access.roles import Role  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from pathlib import Path

Text = Annotated[str, Field(min_length=1, max_length=500)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    issuer: Text
    audience: Text
    jwks_url: Text
    roles_claim: Text
    centres_claim: Text
    roles: Annotated[dict[str, Role], Field(min_length=1)]
    centres: dict[str, Text] | None = None


def read_provider(path: Path) -> Provider:
    """Read the file; raises SettingsError that names the key and the rule, one line for all."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise SettingsError("oidc: there is no such file, or it cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SettingsError(f"oidc: {path} is not TOML") from None
    try:
        given = _File.model_validate(document)
    except ValidationError as refusal:
        faults = (f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in refusal.errors())
        raise SettingsError(f"oidc: {path}: {'; '.join(faults)}") from None
    try:
        required_address(given.jwks_url)
    except FetchError as error:
        raise SettingsError(f"oidc: {path}: jwks_url {error}") from None
    return Provider(**given.model_dump())
