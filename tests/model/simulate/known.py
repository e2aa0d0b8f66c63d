"""Truths made by hand, and a small study whose tests and costs fit in one's head."""

import numpy as np

from model.guidelines.advice import Calendar
from model.simulate.truth import TrueHazards, Truth
from tests.model.builders import study_by_test

STUDY = study_by_test()
"""`scan` costs 2, `look` 1; a visit costs nothing of its own."""
HORIZON = 24


def truth_of(*, onset, symptom=None, death=None, finds=None, luck=None):
    """Patients with these moments; by default `scan` finds whatever has had its onset and `look` finds nothing.

    finds, luck : (n, 2 tests, HORIZON + 1)
    """
    onset = np.array(onset, dtype=float)
    n, never = len(onset), np.full(len(onset), np.inf)
    if finds is None:
        finds = np.zeros((n, 2, HORIZON + 1))
        finds[:, 0] = np.arange(HORIZON + 1) >= onset[:, None]
    return Truth(
        baseline=np.zeros((n, 1)),
        onset_month=onset,
        symptom_month=never if symptom is None else np.array(symptom, dtype=float),
        death_month=never if death is None else np.array(death, dtype=float),
        finds=np.broadcast_to(finds, (n, 2, HORIZON + 1)).astype(np.float32),
        luck=np.full((n, 2, HORIZON + 1), 0.5, np.float32) if luck is None else luck.astype(np.float32),
        markers=lambda patient, _: np.zeros((len(patient), 0)),
        hazards=TrueHazards(np.ones((n, 1)), 1.0, 120.0, np.zeros(n), 0.5, np.ones((n, HORIZON + 1))),
    )


def plan(months, *tests):
    """Visits at these months, each with all these tests (0 = scan, 1 = look)."""
    return Calendar(np.array(months, dtype=float), np.tile(np.isin([0, 1], tests), (len(months), 1)))
