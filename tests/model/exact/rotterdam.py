"""Primary breast cancer, Rotterdam: 2,982 patients whose recurrences and deaths have a known day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from model.study.file import parse_study
from model.types import Histories, Outcomes

TABLE = Path(__file__).parents[2] / "data" / "rotterdam.csv"
RECURRENCE, DEATH = 1, 2
HORIZON = 120.0
COEFFICIENTS = ["age", "meno", "size=20-50", "size=>50", "grade", "nodes", "pgr", "er", "hormon", "chemo"]

HEAD = """
name = "rotterdam"
title = "Rotterdam"
time_unit = "months"
landmark_every = 6.0
landmark_until = 0.0
horizons = [60.0, 120.0]
[[event]]
name = "recurrence"
role = "target"
observed = "exact"
[[event]]
name = "death"
role = "competing"
observed = "exact"
"""
KINDS = {
    "age": 'kind = "number"',
    "meno": 'kind = "binary"',
    "size": 'kind = "category"\nlevels = ["<=20", "20-50", ">50"]',
    "grade": 'kind = "ordinal"\nlevels = ["2", "3"]',
    "nodes": 'kind = "number"',
    "pgr": 'kind = "number"\nrange = [0.0, 10000.0]\ntransform = "log1p"',
    "er": 'kind = "number"\nrange = [0.0, 10000.0]\ntransform = "log1p"',
    "hormon": 'kind = "binary"',
    "chemo": 'kind = "binary"',
}


def vague_study():
    """One landmark, at surgery, and a prior of every effect that says nothing: sd 20 per unit."""
    text = HEAD
    for name, kind in KINDS.items():
        text += f'[[baseline]]\nname = "{name}"\ngroup = "pathology"\n{kind}\n'
        for event in ("recurrence", "death"):
            for level in ("20-50", ">50") if name == "size" else (None,):
                of_level = f'level = "{level}"\n' if level else ""
                text += f'[[baseline.prior.{event}]]\n{of_level}log_hazard_ratio = 0.0\nsd = 20.0\nsource = "vague"\n'
    return parse_study(text, file="rotterdam.toml")


def read() -> tuple[Histories, Outcomes]:
    """Time to the first of recurrence and death; deaths after the end of recurrence follow-up are not counted."""
    table = pd.read_csv(TABLE)
    level = {"size": {"<=20": 0, "20-50": 1, ">50": 2}, "grade": {2: 0, 3: 1}}
    columns = [table[name].map(level[name]) if name in level else table[name] for name in KINDS]
    n = len(table)
    baseline = np.column_stack(columns).astype(float)
    histories = Histories(baseline, np.zeros((n, 0)), np.zeros((n, 0, 0)), np.zeros((n, 0, 0), dtype=np.int8))
    cause = np.where(table["rfs"] == 0, 0, np.where(table["recur"] == 1, RECURRENCE, DEATH))
    return histories, Outcomes(table["rfs_days"].to_numpy() / 30.4375, cause, np.full(n, np.nan))


def closed(outcomes: Outcomes) -> Outcomes:
    """Close the study at HORIZON, as our fit does by itself."""
    within = outcomes.exit_month <= HORIZON
    return Outcomes(
        np.minimum(outcomes.exit_month, HORIZON), np.where(within, outcomes.cause, 0), outcomes.last_negative_month
    )
