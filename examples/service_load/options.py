"""What the command line leaves open to the user, and how a run says that something is not as promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class BrokenPromiseError(Exception):
    """The service did what it must not do."""


@dataclass(frozen=True)
class Options:
    """Sizes of a run.

    Attributes
    ----------
    artifacts : of the model that is served
    clients : at once, each with a connection of its own
    seconds : of load; of each block in `latency`, of each outage in `outage`
    blocks : of each kind in `latency`
    kills, requests : of the runs of these names
    seed : of what is drawn
    """

    artifacts: Path
    clients: int = 8
    seconds: float = 60.0
    blocks: int = 3
    kills: int = 20
    requests: int = 50_000
    seed: int = 1


def require(held: bool, promise: str) -> None:  # noqa: FBT001 - reads like assert, and cannot be switched off
    """Raise BrokenPromiseError unless a promise was kept."""
    if not held:
        raise BrokenPromiseError(f"NOT KEPT: {promise}")
