"""Refusals of access control, each with the headers that must go with it."""

from __future__ import annotations

import math

from service.errors import ServiceError


class RefusedAccessError(ServiceError):
    """Base of these refusals."""

    def __init__(self, sentence: str, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(sentence)


class UnauthenticatedError(RefusedAccessError):
    """Nobody knows who asks (RFC 6750: a key or token that was given and is no good is named as such)."""

    def __init__(self, sentence: str, *, invalid: bool = False) -> None:
        challenge = 'Bearer realm="recurrence-risk"' + (', error="invalid_token"' if invalid else "")
        super().__init__(sentence, www_authenticate=challenge)


class ForbiddenError(RefusedAccessError):
    """Who asks is known, and may not."""


class TooManyRequestsError(RefusedAccessError):
    """A caller asks more often than allowed."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("More requests than this caller may make.", retry_after=str(max(math.ceil(wait_seconds), 1)))


class OverloadedError(RefusedAccessError):
    """More requests are waiting than could be answered in time."""


class ProviderUnavailableError(RefusedAccessError):
    """The identity provider's keys are needed and out of reach."""


class LateError(RefusedAccessError):
    """There was no answer in time."""


class StoppingError(RefusedAccessError):
    """The process is about to stop."""
