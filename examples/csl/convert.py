"""Turn the trial's three tables into ours: `python -m examples.csl.convert --out DIR`.

What each column means is stated in `data/README.md`; nothing else is changed, except one visit that is dated after the
end of its patient's follow-up. It is left out, and the command says so: our reader would refuse it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

from model.saved.atomic_folder import new_folder

DATA = Path(__file__).parent / "data"
YEARS_AT_ZERO_AGE = 60


def main() -> int:
    """Parse the command line and write the converted tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    options = parser.parse_args()
    if options.out.exists():
        print(f"{options.out}: exists already; name a new folder", file=sys.stderr)
        return 2
    tables, dropped = converted(DATA)
    write(tables, options.out)
    print(f"left out {dropped} visit dated after the end of its patient's follow-up")
    print(options.out)
    return 0


def converted(folder: Path, *, drop_late_visits: bool = True) -> tuple[dict[str, pd.DataFrame], int]:
    """Return our tables by name, and how many visits after the end of follow-up were left out."""
    baseline = pd.read_csv(folder / "csl_baseline.csv")
    visits = pd.read_csv(folder / "csl_visits.csv")
    outcome = pd.read_csv(folder / "csl_outcome.csv")
    patients = pd.DataFrame(
        {
            "patient_id": baseline["id"],
            "age_years": baseline["age"] + YEARS_AT_ZERO_AGE,
            "sex": baseline["sex"].map({0: "female", 1: "male"}),
            "arm": baseline["treat"].map({0: "prednisone", 1: "placebo"}),
        }
    )
    # prot.base is the measurement at entry, before the first visit: the marker's value at time 0.
    at_entry = pd.DataFrame({"id": baseline["id"], "time": 0.0, "prot": baseline["prot.base"]})
    visits = pd.concat([at_entry, visits]).sort_values(["id", "time"], kind="stable")
    late = visits["time"] > visits["id"].map(outcome.set_index("id")["time_years"])
    visits = visits[~late] if drop_late_visits else visits
    return {
        "patients": patients,
        "visits": visits.rename(columns={"id": "patient_id", "prot": "prothrombin_index"}),
        "outcomes": pd.DataFrame(
            {
                "patient_id": outcome["id"],
                "time": outcome["time_years"],
                "event": outcome["death"].map({0: "none", 1: "death"}),
            }
        ),
    }, int(late.sum())


def write(tables: dict[str, pd.DataFrame], out: Path) -> None:
    """Write the tables and their origin into a new folder, all at once."""
    about = {
        "title": "Copenhagen cirrhosis trial CSL, 446 patients",
        "synthetic": False,
        "source": "Schlichting et al., Hepatology 3 (1983) 889-895; R package timereg, data set csl",
        "licence": "GPL-2 or later, as the R package timereg that distributes it",
        "command": "python -m examples.csl.convert --out DIR",
    }
    with new_folder(out) as scratch:
        for name, table in tables.items():
            table.to_csv(scratch / f"{name}.csv", index=False)
        (scratch / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
