"""Predict for a whole cohort: its tables and a model to one long table of risks.

A row of the result is one patient, event and horizon: `patient_id,landmark,event,horizon,probability,low,high`, times
in the study's unit, low and high the ends of the 95 % band. Only what was recorded by the landmark is used. Patients
whose event came by then are left out; without an `outcomes` table, those with a positive test. The cohort is read as a
whole; predictions are made and written some at a time.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from model.command_line import DONE, at_least, result, run, say
from model.risk_table import ask_all, ask_rows, checked_horizons, found_by_then, not_followed_then, risk_tables
from model.saved import artifact
from model.saved.atomic_file import new_file
from model.tables.cohort import read_records
from model.tables.set_aside import SetAside
from model.tables.table_file import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from model.errors import Problem
    from model.risk_table import Questions
    from model.saved.artifact import LoadedModel
    from model.tables.cohort import Records

SCHEMA = pa.schema(
    {
        "patient_id": pa.string(),
        "landmark": pa.float64(),
        "event": pa.string(),
        "horizon": pa.float64(),
        "probability": pa.float64(),
        "low": pa.float64(),
        "high": pa.float64(),
    }
)
PROGRESS_LINES = 10

EXAMPLES = """examples:
  python -m model.predict --artifact artifacts/VERSION --cohort DIR --landmark 24 --out risks.csv
  python -m model.predict --artifact artifacts/VERSION --cohort DIR --rows moments.csv --out risks.parquet --jobs 2
  python -m model.predict --artifact artifacts/VERSION --cohort DIR --landmark 24 --out risks.csv --errors wrong.csv

exit code: 0 done; 2 nothing written; 3 with --errors, done but for what FILE lists
"""
COMPLETED_WITH_ERRORS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and predict."""
    parser = argparse.ArgumentParser(
        prog="python -m model.predict",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="a model's folder")
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="folder with the cohort's tables")
    moment = parser.add_mutually_exclusive_group(required=True)
    moment.add_argument("--landmark", type=_number, metavar="T", help="predict everybody as of T, in the study's unit")
    moment.add_argument("--rows", type=Path, metavar="FILE", help="predict as this table's patient_id,landmark say")
    parser.add_argument(
        "--out", type=_table_path, required=True, metavar="FILE", help=".csv or .parquet; replaced if it exists"
    )
    parser.add_argument(
        "--errors",
        type=Path,
        metavar="FILE",
        help="leave out patients with a row that breaks a rule and predict the others; FILE (csv) gets "
        "file,line,column,rule of each such row. Without it one wrong row stops everything",
    )
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="processes to use (default 1)")
    options = parser.parse_args(arguments)
    if options.errors is not None and options.errors.resolve() == options.out.resolve():
        parser.error("--errors and --out must be two files")
    moment_given: float | Path = options.rows if options.landmark is None else options.landmark
    n_wrong = 0

    def command() -> None:
        nonlocal n_wrong
        asked = options.artifact, options.cohort, moment_given, options.out
        n_wrong = predict(*asked, jobs=options.jobs, errors=options.errors)

    code = run(command)
    return COMPLETED_WITH_ERRORS if code == DONE and n_wrong else code


def predict(
    artifact_folder: Path,
    cohort_folder: Path,
    moment: float | Path,
    out: Path,
    *,
    jobs: int,
    errors: Path | None = None,
) -> int:
    """Read, predict, write; `moment` is one landmark or the path of a table of them. Writes all of `out` or nothing.

    errors : where rows that break a rule are listed, being left out with their patients; None = raise BadInputError
    Returns how many faults are listed.
    """
    model = artifact.load(artifact_folder)
    predictor = model.predictor
    aside = None if errors is None else SetAside()
    records = read_records(cohort_folder, predictor.study, aside)
    warnings = [*records.warnings]
    if isinstance(moment, Path):
        table = read_table(moment, None if aside is None else aside.problems)
        questions, unknown = ask_rows(table, records, predictor, aside)
        warnings += unknown
    else:
        questions = ask_all(len(records), moment, predictor)
    for warning in warnings:
        say(f"warning: {warning}")
    found = found_by_then(records, questions)
    questions = questions.select(~found)
    say(f"{predictor.study.title}: {len(records)} patients, {len(questions)} predictions")
    say(_left_out(int(found.sum()), records))
    if n_lost := int(not_followed_then(records, questions).sum()):
        say(f"  {n_lost} were last followed before the landmark: predicted as alive and with nothing found by then")
    horizons = checked_horizons(None, predictor.study)
    tables = risk_tables(predictor, records, questions, horizons, bands=True, jobs=jobs)
    problems = [] if aside is None else aside.problems
    with new_file(out) as scratch:
        _write(scratch, _named(_with_progress(tables, len(questions)), questions, records))
        if errors is not None:
            write_problems(errors, problems)
    if problems:
        say(f"completed with errors: {len(problems)} in all, listed in {errors}; what they are about is not predicted")
    for line in _notice(model):
        result(line)
    result(str(out))
    return len(problems)


def write_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Write one line per problem, `file,line,column,rule`; a header alone where there are none."""
    with new_file(path) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "line", "column", "rule"])
        writer.writerows([each.file, each.line, each.column, each.rule] for each in problems)


def _left_out(n_found: int, records: Records) -> str:
    if records.outcomes is not None:
        return f"  {n_found} left out: their event came by the landmark"
    positive = f"  {n_found} left out for a positive test by the landmark" if n_found else "  nothing was left out"
    return f"{positive}: there is no outcomes table to tell whose event came before"


def _with_progress(tables: Iterator[pd.DataFrame], n_questions: int) -> Iterator[pd.DataFrame]:
    """Say now and then how many predictions are done."""
    done = told = 0
    for table in tables:
        yield table
        done += table["question"].nunique()
        if done * PROGRESS_LINES >= (told + 1) * max(n_questions, 1):
            told = done * PROGRESS_LINES // n_questions
            say(f"  {done} of {n_questions} predicted")


def _named(tables: Iterator[pd.DataFrame], questions: Questions, records: Records) -> Iterator[pd.DataFrame]:
    """Put the patients' identifiers in the place of the questions' numbers."""
    for table in tables:
        patient_id = [records.patient_id[patient] for patient in questions.patient[table["question"]]]
        yield table.assign(patient_id=patient_id)[SCHEMA.names]


def _write(path: Path, tables: Iterator[pd.DataFrame]) -> None:
    """Write table after table, as each comes."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            for number, table in enumerate(tables):
                table.to_csv(file, index=False, header=number == 0, lineterminator="\n")
    else:
        with arrow_parquet.ParquetWriter(path, SCHEMA) as writer:
            for table in tables:
                writer.write_table(pa.Table.from_pandas(table, schema=SCHEMA, preserve_index=False))


def _notice(model: LoadedModel) -> list[str]:
    """What a reader of the risks must know: the model is no device, and what it was trained on."""
    limits = [attribute["value"] for attribute in model.facts["attributes"] if attribute["id"] == "O10"]
    return [model.facts["regulatory_status"], *limits]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError("must be a number")
    return value


def _table_path(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".csv", ".parquet"):
        raise argparse.ArgumentTypeError("must end in .csv or .parquet")
    return path


if __name__ == "__main__":
    sys.exit(main())
