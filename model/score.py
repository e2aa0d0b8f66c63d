"""Judge anybody's predictions by the yardstick of the audit: a table of predictions and outcomes to one json file.

The table (csv or parquet) holds a row per person and horizon: `id`; `time` from the moment of prediction to the end of
follow-up; `event` there, 0 = censored, 1 = the event, 2 or more = a competing event; `probability` that was predicted
of the event within `horizon`; optionally a `group`. Time and horizon are in the same unit, whichever it is. Leave
follow-up as long as it was: who ends exactly at the horizon without an event is not known to have gone beyond it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from model.audit.decision_curve import THRESHOLDS
from model.audit.definitions import DEFINITIONS
from model.audit.judged import MIN_EVENTS, MIN_FOLLOWED
from model.audit.resampling import N_DRAWS
from model.audit.scoring import Predictions, score
from model.command_line import at_least, result, run, say
from model.errors import BadInputError, Problem
from model.saved.atomic_file import new_file
from model.tables.cohort_rules import unknown_columns
from model.tables.columns import ColumnRule, check_columns
from model.tables.table_file import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.tables.table_file import Table

RULES = [
    ColumnRule("id", "text", required=True),
    ColumnRule("event", "number", required=True),
    ColumnRule("time", "number", required=True),
    ColumnRule("probability", "number", required=True, bounds=(0.0, 1.0)),
    ColumnRule("horizon", "number", required=True),
    ColumnRule("group", "text", filled=True),
]

COMPETING = 2  # which competing event it was makes no difference

EXAMPLES = """examples:
  python -m model.score --predictions nomogram.csv --out nomogram.json
  python -m model.score --predictions nomogram.csv --out nomogram.json --thresholds 0.05 0.1 0.2
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and judge."""
    parser = argparse.ArgumentParser(
        prog="python -m model.score",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--predictions", type=Path, required=True, metavar="FILE", help="csv or parquet table")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="json; replaced if it exists")
    parser.add_argument(
        "--thresholds",
        type=_threshold,
        nargs="+",
        default=THRESHOLDS,
        metavar="P",
        help=f"risks at which one would act, for the net benefit (default {' '.join(f'{p:g}' for p in THRESHOLDS)})",
    )
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="S", help="of the patients drawn (default 0)")
    options = parser.parse_args(arguments)
    thresholds = sorted(set(options.thresholds))
    return run(lambda: judge_table(options.predictions, options.out, thresholds=thresholds, seed=options.seed))


def judge_table(path: Path, out: Path, *, thresholds: Sequence[float], seed: int) -> None:
    """Read, check, judge, write. Raises BadInputError for a table that breaks its rules; then nothing is written."""
    table = read_table(path)
    predictions = read_predictions(table)
    for warning in unknown_columns(table, RULES):
        say(f"warning: {warning}")
    judged = score(predictions, thresholds=thresholds, seed=seed)
    document = {
        "predictions": {
            "file": table.file,
            "sha256": table.sha256,
            "rows": len(predictions.patient),
            "patients": int(predictions.patient.max()) + 1,
        },
        "rules": {
            "seed": seed,
            "draws": N_DRAWS,
            "min_events": MIN_EVENTS,
            "min_followed": MIN_FOLLOWED,
            "thresholds": [*thresholds],
        },
        **judged,
        "definitions": DEFINITIONS,
    }
    with new_file(out) as scratch:
        scratch.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for block in judged["by_horizon"]:
        result(_in_short(block))
    result(str(out))


def _in_short(block: dict[str, Any]) -> str:
    place = f"horizon {block['horizon']:g}: {block['n']} persons, {block['events']} events"
    ratio = f"{block['oe']['value']:.2f}" if block["oe"] else "unknown"
    return f"{place}: " + (block["too_few"] or f"observed/expected {ratio}, AUC {block['auc']['value']:.3f}")


def read_predictions(table: Table) -> Predictions:
    """Check a table by RULES and by what they cannot say; raises BadInputError with every fault that was found."""
    frame, problems = check_columns(table, RULES)
    broken = {
        "event": (frame["event"] < 0) | (frame["event"] % 1 != 0) & frame["event"].notna(),
        "time": frame["time"] < 0,
        "horizon": frame["horizon"] <= 0,
        "id": frame.duplicated(["id", "horizon"]) & frame[["id", "horizon"]].notna().all(axis=1),
    }
    rule_of = {
        "event": "must be 0 (censored), 1 (the event), or 2 and so on (a competing event) (value withheld)",
        "time": "must be 0 or more (value withheld)",
        "horizon": "must be above 0 (value withheld)",
        "id": "this id stands more than once with this horizon",
    }
    for column, rows in broken.items():
        problems += [Problem(table.file, int(line), column, rule_of[column]) for line in table.line[rows.to_numpy()]]
    if frame.empty and not problems:
        problems.append(Problem(table.file, None, None, "the table has no rows"))
    if problems:
        raise BadInputError(sorted(problems, key=lambda each: (each.line or 0, each.column or "")))
    return Predictions(
        patient=pd.factorize(frame["id"], sort=True)[0].astype(np.int64),
        months_to_exit=frame["time"].to_numpy(dtype=np.float64),
        cause=frame["event"].clip(upper=COMPETING).to_numpy(dtype=np.int64),
        probability=frame["probability"].to_numpy(dtype=np.float64),
        horizon=frame["horizon"].to_numpy(dtype=np.float64),
        group=frame["group"].tolist() if "group" in table.frame else None,
    )


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("must be a number between 0 and 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
