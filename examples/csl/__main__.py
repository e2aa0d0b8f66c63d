"""Real patients: convert, train, audit, and replay one patient of the Copenhagen cirrhosis trial over HTTP.

`python -m examples.csl --out DIR` writes `DIR/cohort` and `DIR/artifacts`, and prints the table of docs/results.md and
the replay.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.csl.convert import DATA, converted, write
from examples.csl.table import results_table
from examples.replay import enter_patient, replay
from examples.serving import ServiceError, require_free, running_service
from model.command_line import at_least
from model.study.definition import DAYS_PER_MONTH
from model.train import main as train

if TYPE_CHECKING:
    import pandas as pd

STUDY = Path(__file__).parent / "csl.toml"
# The trial's calendar is not in the public data; any day serves as day 0.
NOTIONAL_ORIGIN = date(2000, 1, 1)
PATIENT_ID = 33
YEARS_REPLAYED = 6.0


def main() -> int:
    """Run the example; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.csl", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    parser.add_argument("--port", type=int, default=8010, help="port on 127.0.0.1 (default 8010)")
    parser.add_argument("--jobs", type=at_least(1), default=1, help="processes for training (default 1)")
    options = parser.parse_args()
    if options.out.exists():
        print(f"{options.out}: exists already; name a new folder", file=sys.stderr)
        return 2
    try:
        return _example(options.out, options.port, options.jobs)
    except ServiceError as error:
        print(f"csl: {error}", file=sys.stderr)
        return 1


def _example(out: Path, port: int, jobs: int) -> int:
    """Convert, train, print the table and follow one patient; raises ServiceError."""
    require_free(port)  # before the training, not after it
    tables, _ = converted(DATA)
    write(tables, out / "cohort")
    arguments = ["--cohort", str(out / "cohort"), "--study", str(STUDY), "--jobs", str(jobs)]
    if code := train([*arguments, "--out", str(out / "artifacts")]):
        return code
    print(f"\n{results_table(json.loads(_audit(out).read_text(encoding='utf-8')))}\n", flush=True)
    patient, visits = as_json(tables, PATIENT_ID)
    with running_service(out / "artifacts", out / "csl.sqlite", port) as (client, _):
        patient_id = enter_patient(client, patient)
        for line in replay(client, patient_id, visits, horizon=24.0):
            print(line)
        print(client.get("/v1/model")["model"]["notice"])
    return 0


def _audit(out: Path) -> Path:
    """Find the audit of the one model that was trained here."""
    return next((out / "artifacts").glob("*/audit.json"))


def as_json(tables: dict[str, pd.DataFrame], patient_id: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One patient of the tables as the service's JSON: the patient, and every visit of the first YEARS_REPLAYED."""
    row = tables["patients"].set_index("patient_id").loc[patient_id]
    visits = tables["visits"][tables["visits"]["patient_id"] == patient_id]
    patient = {
        "patient_ref": f"csl-{patient_id}",
        "origin_date": NOTIONAL_ORIGIN.isoformat(),
        "baseline": {"age_years": float(row["age_years"]), "sex": row["sex"], "arm": row["arm"]},
    }
    followed = visits[visits["time"] <= YEARS_REPLAYED]
    return patient, [
        {"date": _day(years), "markers": {"prothrombin_index": float(value)}, "tests": {}}
        for years, value in zip(followed["time"].tolist(), followed["prothrombin_index"].tolist(), strict=True)
    ]


def _day(years: float) -> str:
    return (NOTIONAL_ORIGIN + timedelta(days=round(years * 12 * DAYS_PER_MONTH))).isoformat()


if __name__ == "__main__":
    sys.exit(main())
