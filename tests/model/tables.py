"""A small study of every kind of column, and three patients' tables as text that a test may spoil."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.study.file import parse_study

if TYPE_CHECKING:
    from pathlib import Path

STUDY = """\
name = "small"
title = "Small"
time_unit = "months"
landmark_every = 6.0
landmark_until = 24.0
horizons = [12.0, 24.0]

[[event]]
name = "recurrence"
role = "target"
observed = "test"

[[event]]
name = "death"
role = "competing"
observed = "exact"

[[baseline]]
name = "age"
kind = "number"
range = [18.0, 100.0]
group = "demographics"
required = true

[[baseline]]
name = "ki67"
kind = "number"
range = [0.1, 100.0]
transform = "log"
group = "pathology"

[[baseline]]
name = "ratio"
kind = "number"
group = "biomarker"

[[baseline]]
name = "invasion"
kind = "binary"
group = "pathology"

[[baseline]]
name = "margin"
kind = "category"
levels = ["R0", "R1", "R2"]
group = "pathology"

[[baseline]]
name = "grade"
kind = "ordinal"
levels = ["G1", "G2"]
group = "pathology"

[[marker]]
name = "cga"
range = [1.0, 1000.0]
transform = "log"
group = "biomarker"

[[test]]
name = "ct"
[test.sees.recurrence]
start = 0.5
max = 0.9
half_time = 12.0

[[test]]
name = "mri"
tiers = ["regional", "tertiary"]
[test.sees.recurrence]
start = 0.7
max = 0.95
half_time = 6.0
"""

PATIENTS = """\
patient_id,age,ki67,ratio,invasion,margin,grade
A,60,2.0,1,0,R0,G1
B,71,,2.5,1,R2,G2
C,55,30,,,,
"""
VISITS = """\
patient_id,time,cga,ct,mri
A,12,55,negative,
A,24,,negative,negative
B,13,140,positive,negative
B,6,70,,
"""
OUTCOMES = """\
patient_id,time,event
A,24,none
B,13,recurrence
C,30,death
"""

SMALL = parse_study(STUDY, file="small.toml")


def write_tables(
    folder: Path, *, patients: str | bytes = PATIENTS, visits: str | bytes = VISITS, outcomes: str | bytes = OUTCOMES
) -> Path:
    """Write the three tables as csv files and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("patients", patients), ("visits", visits), ("outcomes", outcomes)):
        (folder / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
