"""A model that may not answer, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import Fault, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable


class RefusedModelError(ServiceError):
    """A model that may not answer; `faults` has every reason that was found."""

    def __init__(self, version: str, faults: Iterable[Fault]) -> None:
        self.version = version
        self.faults = tuple(faults)
        super().__init__(f"{version} may not answer: {'; '.join(fault.rule for fault in self.faults)}.")


class ModelChangedError(ServiceError):
    """Somebody else changed which model answers at the same moment."""
