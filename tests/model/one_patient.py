"""One patient of the default study, by name."""

import numpy as np
from hypothesis import strategies as st

from model.types import NEGATIVE, NOT_DONE, Histories


def one(study, *, visits=None, baseline=None):
    """One patient: {month: {marker or test: value}}; baselines by name, all others missing."""
    visits = visits or {}
    names = [item.name for item in study.baseline]
    markers, tests = ([item.name for item in items] for items in (study.marker, study.test))
    base = np.full((1, len(names)), np.nan)
    for name, value in (baseline or {}).items():
        base[0, names.index(name)] = value
    marker = np.full((1, len(visits), len(markers)), np.nan)
    test = np.full((1, len(visits), len(tests)), NOT_DONE, dtype=np.int8)
    for place, found in enumerate(visits.values()):
        for name, value in found.items():
            array, known = (marker, markers) if name in markers else (test, tests)
            array[0, place, known.index(name)] = value
    return Histories(base, np.array([list(visits)], dtype=float).reshape(1, len(visits)), marker, test)


def baselines():
    """Some baselines of a patient, any of them missing."""
    return st.fixed_dictionaries(
        {},
        optional={
            "age_years": st.floats(20, 95),
            "sex": st.integers(0, 1),
            "size_mm": st.floats(1, 40),
            "depth": st.integers(0, 2),
            "grade": st.integers(0, 2),
            "ki67_percent": st.floats(0.2, 50),
            "lymphovascular_invasion": st.integers(0, 1),
            "technique": st.integers(0, 8),
        },
    )


def visits():
    """Up to four visits, with some results each."""
    results = st.fixed_dictionaries(
        {},
        optional={
            "cga": st.floats(5, 2000),
            "five_hiaa": st.floats(1, 300),
            "ct": st.just(NEGATIVE),
            "sigmoidoscopy": st.just(NEGATIVE),
        },
    )
    return st.dictionaries(st.integers(0, 40), results, max_size=4).map(lambda found: dict(sorted(found.items())))
