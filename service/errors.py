"""What the service refuses on purpose. `service.api.errors` holds the one table of what each becomes over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Fault:
    """One broken rule: where, and which. Never holds the value."""

    path: str
    rule: str


class ServiceError(Exception):
    """Base of every refusal of this service; the message is one sentence for the caller."""


class InvalidError(ServiceError):
    """Values that break their rules; `faults` lists every one that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("One rule is broken." if len(self.faults) == 1 else f"{len(self.faults)} rules are broken.")


class NotFoundError(ServiceError):
    """There is no such patient, visit, model or page."""


class DuplicateError(ServiceError):
    """It is recorded already."""


class FollowUpClosedError(ServiceError):
    """An outcome has ended follow-up."""


class AwaitingWorkUpError(ServiceError):
    """A positive result has neither become an outcome nor been retracted."""


class BusyError(ServiceError):
    """The same work is being done for somebody else."""


class AuditLogError(ServiceError):
    """What is done cannot be written down, and so is not done."""


class ReadOnlyError(ServiceError):
    """The database can be read, and takes no writes."""


class StudyMismatchError(ServiceError):
    """The record was made for another study than the one that the loaded model knows."""


class InFlightError(ServiceError):
    """A request with the same Idempotency-Key is being answered."""


class NoVersionError(ServiceError):
    """A change that does not say which version of the record it is about."""


class StaleVersionError(ServiceError):
    """A change of a version of the record that is not the present one."""
