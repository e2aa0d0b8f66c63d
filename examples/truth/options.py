"""What the command line leaves open to the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Options:
    """Sizes and places of a run.

    Attributes
    ----------
    variant : of the synthetic cohorts
    patients : in the learning cohort and in the fresh one
    replicates : small cohorts to fit
    repeats : pairs of a learning and a fresh cohort
    oracle_patients : with visible onsets, for the oracle
    judged : fresh patients whose bands are held against their true risk
    jobs : processes
    cache : folder where the oracle's predictions are kept, None = nowhere
    """

    variant: str
    patients: int
    replicates: int
    repeats: int
    oracle_patients: int
    judged: int
    jobs: int
    cache: Path | None
