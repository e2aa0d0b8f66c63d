"""A block of patients, and one whose every covariate sits at the reference."""

from dataclasses import replace

import numpy as np
import pytest

from synthetic_data.arrays import BLOCK, Component, stream
from synthetic_data.baseline import Patients, draw_patients
from synthetic_data.cohort import draw_tables
from synthetic_data.variants import VARIANTS


@pytest.fixture(scope="session")
def patients() -> Patients:
    return draw_patients(stream(11, 0, Component.BASELINE))


@pytest.fixture(scope="session")
def reference(patients) -> Patients:
    nobody = np.zeros(BLOCK, dtype=bool)
    return replace(
        patients,
        size_mm=np.full(BLOCK, 12.0),
        ki67_percent=np.ones(BLOCK),
        grade=np.ones(BLOCK, dtype=np.int64),
        r1=nobody,
        lvi=nobody,
        depression=nobody,
        depth=np.zeros(BLOCK, dtype=np.int64),
        technique=np.zeros(BLOCK, dtype=np.int64),
    )


@pytest.fixture(scope="session")
def frames():
    """The default cohort's tables as data frames: 6,000 patients, so that two blocks meet."""
    return {name: table.to_pandas() for name, table in draw_tables(VARIANTS["default"], patients=6_000, seed=3).items()}
