import io
import re

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from model.errors import BadInputError
from model.tables.cohort import read_cohort
from tests.model.tables import OUTCOMES, PATIENTS, SMALL, VISITS, write_tables


def errors_of(folder, study=SMALL):
    with pytest.raises(BadInputError) as caught:
        read_cohort(folder, study)
    return [str(problem).replace(str(folder), "DIR") for problem in caught.value.problems]


def swapped(table, *pairs):
    for old, new in pairs:
        assert old in table
        table = table.replace(old, new, 1)
    return table


EARLY = (
    "a positive result belongs to the visit at which the event is dated in outcomes; "
    "record a result that work-up cleared as negative"
)
CASES = {
    "a ki-67 of 130": (
        {"patients": swapped(PATIENTS, ("C,55,30", "C,55,130"))},
        ["patients.csv:4: ki67: must be from 0.1 to 100 (value withheld)"],
    ),
    "a visit after death": (
        {"visits": VISITS + "C,31,,,\n"},
        ["visits.csv:6: time: this visit lies after the end of the patient's follow-up (event: death)"],
    ),
    "a visit after the last contact": (
        {"visits": VISITS + "A,24.5,,,\n"},
        ["visits.csv:6: time: this visit lies after the end of the patient's follow-up"],
    ),
    "a duplicate patient": (
        {"patients": PATIENTS + "A,61,,,,,\n"},
        ["patients.csv:5: patient_id: this patient stands more than once"],
    ),
    "two outcomes of one patient": (
        {"outcomes": OUTCOMES + "A,24,none\n"},
        ["outcomes.csv:5: patient_id: this patient stands more than once"],
    ),
    "an empty file": ({"visits": ""}, ["visits.csv: the file is empty"]),
    "a header alone": (
        {"patients": PATIENTS.splitlines()[0]},
        ["patients.csv: the file has a header and no rows"],
    ),
    "no events": (
        {"outcomes": OUTCOMES.replace("recurrence", "none"), "visits": VISITS.replace("positive", "negative")},
        ["outcomes.csv: event: no patient has a target event (recurrence): nothing can be learned"],
    ),
    "semicolons": (
        {"outcomes": OUTCOMES.replace(",", ";")},
        ["outcomes.csv:1: columns are separated by semicolons; use commas"],
    ),
    "a binary file": (
        {"patients": bytes(range(128))},
        ["patients.csv: a binary file, not a comma-separated table"],
    ),
    "a missing required value": (
        {"patients": swapped(PATIENTS, ("B,71", "B,"))},
        ["patients.csv:3: age: a value is required"],
    ),
    "a missing required column": (
        {"patients": swapped(PATIENTS, ("age", "years"))},
        ["patients.csv:1: age: this column is required and missing"],
    ),
    "text in a number's column": (
        {"visits": swapped(VISITS, ("55", "high"))},
        ["visits.csv:2: cga: must be a number with a decimal point, or blank (value withheld)"],
    ),
    "infinity": (
        {"patients": swapped(PATIENTS, ("2.5", "inf"))},
        ["patients.csv:3: ratio: must be a finite number (value withheld)"],
    ),
    "not a number": (
        {"patients": swapped(PATIENTS, ("2.5", "nan"))},
        ["patients.csv:3: ratio: must be a number with a decimal point, or blank (value withheld)"],
    ),
    "an unknown level": (
        {"patients": swapped(PATIENTS, ("R2", "R3"))},
        ["patients.csv:3: margin: must be one of R0, R1, R2 (value withheld)"],
    ),
    "an unknown event": (
        {"outcomes": swapped(OUTCOMES, ("A,24,none", "A,24,alive"))},
        ["outcomes.csv:2: event: must be one of none, recurrence, death (value withheld)"],
    ),
    "a blank event": (
        {"outcomes": swapped(OUTCOMES, ("A,24,none", "A,24,"))},
        ["outcomes.csv:2: event: a value is required"],
    ),
    "a positive test before the event": (
        {"visits": swapped(VISITS, ("A,12,55,negative", "A,12,55,positive"))},
        [f"visits.csv:2: ct: {EARLY}"],
    ),
    "a positive test without an event": (
        {"visits": VISITS + "C,30,,,positive\n"},
        [f"visits.csv:6: mri: {EARLY}"],
    ),
    "two visits at one time": (
        {"visits": VISITS + "A,12.0,,,\n"},
        ["visits.csv:6: time: the patient has another visit at this time: merge them into one row"],
    ),
    "a visit of nobody": (
        {"visits": VISITS + "D,12,,,\n"},
        ["visits.csv:6: patient_id: no such patient in patients"],
    ),
    "an outcome of nobody": (
        {"outcomes": OUTCOMES + "D,12,none\n"},
        ["outcomes.csv:5: patient_id: no such patient in patients"],
    ),
    "a patient without outcome": (
        {"outcomes": swapped(OUTCOMES, ("C,30,death\n", ""))},
        ["patients.csv:4: patient_id: this patient has no row in outcomes"],
    ),
    "neither time nor date": (
        {"visits": swapped(VISITS, ("time", "when"))},
        ["visits.csv:1: time: give either time or date"],
    ),
    "both time and date": (
        {"outcomes": swapped(OUTCOMES, ("\n", ",date\n"), ("24,none", "24,none,"), ("recurrence", "recurrence,"),
                             ("30,death", "30,death,2020-01-01"))},
        ["outcomes.csv:1: time: give either time or date",
         "outcomes.csv:2: date: a value is required", "outcomes.csv:3: date: a value is required"],
    ),
    "a blank time": (
        {"visits": swapped(VISITS, ("A,12", "A,"))},
        ["visits.csv:2: time: a value is required"],
    ),
    "a time before the start": (
        {"visits": swapped(VISITS, ("A,12", "A,-1"))},
        ["visits.csv:2: time: must be from 0 to 1800 (value withheld)"],
    ),
    "a date for a time": (
        {"visits": swapped(VISITS, ("A,12", "A,20240331"))},
        ["visits.csv:2: time: must be from 0 to 1800 (value withheld)"],
    ),
    "follow-up of no length": (
        {"outcomes": swapped(OUTCOMES, ("C,30", "C,0"))},
        ["outcomes.csv:4: time: follow-up must end after time 0"],
    ),
    "dates without an origin": (
        {"visits": "patient_id,date,cga\nA,2020-01-01,5\n"},
        ["patients.csv:1: origin_date: this column is required and missing"],
    ),
    "a date before the origin, and an origin left out": (
        {"patients": "patient_id,age,origin_date\nA,60,2020-01-02\nB,71,\nC,55,2020-01-01\n",
         "visits": "patient_id,date,cga\nA,2020-01-01,5\nB,2020-02-01,5\nC,2020-01-01,5\n"},
        ["patients.csv:3: origin_date: a value is required",
         "visits.csv:2: date: before the patient's origin_date"],
    ),
    "a last negative after the event, and one of no event": (
        {"outcomes": "patient_id,time,event,last_negative_time\nA,24,none,12\nB,13,recurrence,13\nC,30,death,\n"},
        ["outcomes.csv:2: last_negative_time: only for events found by tests",
         "outcomes.csv:3: last_negative_time: must be before the event's time"],
    ),
}  # fmt: skip
# Those whose fault is not one of the csv format itself.
IN_ANY_FORMAT = [
    case
    for case, (tables, _) in CASES.items()
    if all(isinstance(text, str) and "," in text and "\n" in text for text in tables.values())
]


@pytest.mark.parametrize("case", CASES)
def test_f37_a_fault_is_told_once_with_its_place_and_rule(tmp_path, case):
    tables, messages = CASES[case]
    assert errors_of(write_tables(tmp_path, **tables)) == messages


def test_missing_files_are_all_named(tmp_path):
    assert errors_of(tmp_path) == [
        "patients.csv: not found in DIR (nor patients.parquet)",
        "visits.csv: not found in DIR (nor visits.parquet)",
        "outcomes.csv: not found in DIR (nor outcomes.parquet)",
    ]
    assert errors_of(tmp_path / "none") == ["DIR: no such folder"]


def test_csv_beside_parquet_is_refused(tmp_path):
    folder = write_tables(tmp_path)
    (folder / "visits.parquet").write_bytes(b"")
    assert errors_of(folder) == ["visits: both visits.csv and visits.parquet: keep one"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [("{", "not valid JSON"), ("[1]", "must be a JSON object"), ('{"synthetic": NaN}', "not valid JSON")],
)
def test_a_description_is_a_json_object(tmp_path, content, rule):
    folder = write_tables(tmp_path)
    (folder / "about.json").write_text(content)
    assert errors_of(folder) == [f"about.json: {rule}"]


def spoilt(folder):
    """Tables with a fault of every kind; what stands in them must not be told."""
    folder = write_tables(
        folder,
        patients="patient_id,age,ki67,invasion,margin\nA,777.25,777.5,7777,Rsecret\nB,71,,,\nB,71,,,\nC,,,,\nE,60,,,\n",
        visits="patient_id,time,cga,ct\nA,-777,777777,maybesecret\nIDsecret,12,5,\nC,31,5,\nA,12,,positive\nA,12,,\n",
        outcomes="patient_id,time,event\nA,24,none\nB,13,eventsecret\nC,30,death\n",
    )
    (folder / "about.json").write_text("secret")
    return folder


def test_all_problems_of_all_files_come_in_one_pass_in_the_order_of_the_files(tmp_path):
    assert errors_of(spoilt(tmp_path)) == [
        "patients.csv:2: age: must be from 18 to 100 (value withheld)",
        "patients.csv:2: invasion: must be 0 or 1 (value withheld)",
        "patients.csv:2: ki67: must be from 0.1 to 100 (value withheld)",
        "patients.csv:2: margin: must be one of R0, R1, R2 (value withheld)",
        "patients.csv:4: patient_id: this patient stands more than once",
        "patients.csv:5: age: a value is required",
        "patients.csv:6: patient_id: this patient has no row in outcomes",
        "visits.csv:2: cga: must be from 1 to 1000 (value withheld)",
        "visits.csv:2: ct: must be one of negative, positive (value withheld)",
        "visits.csv:2: time: must be from 0 to 1800 (value withheld)",
        "visits.csv:3: patient_id: no such patient in patients",
        "visits.csv:4: time: this visit lies after the end of the patient's follow-up (event: death)",
        f"visits.csv:5: ct: {EARLY}",
        "visits.csv:6: time: the patient has another visit at this time: merge them into one row",
        "outcomes.csv:3: event: must be one of none, recurrence, death (value withheld)",
        "about.json: not valid JSON",
    ]


def test_no_value_of_a_patient_is_ever_told(tmp_path):
    told = "\n".join(errors_of(spoilt(tmp_path)))
    assert "secret" not in told
    assert not re.search("77", told)


@pytest.mark.parametrize("case", IN_ANY_FORMAT)
def test_parquet_tells_the_same_with_row_numbers(tmp_path, case):
    tables, messages = CASES[case]
    texts = {"patients": PATIENTS, "visits": VISITS, "outcomes": OUTCOMES} | tables
    tmp_path.joinpath("t").mkdir()
    for name, text in texts.items():
        as_text = pyarrow.csv.ConvertOptions(
            null_values=[""],
            strings_can_be_null=True,
            column_types=dict.fromkeys(text.splitlines()[0].split(","), pa.string()),
        )
        pq.write_table(
            pyarrow.csv.read_csv(io.BytesIO(text.encode()), convert_options=as_text), tmp_path / "t" / f"{name}.parquet"
        )
    expected = [
        re.sub(r"\.csv(?::(\d+))?", lambda m: ".parquet" + (f":{max(int(m[1]) - 1, 1)}" if m[1] else ""), message)
        for message in messages
    ]
    assert sorted(errors_of(tmp_path / "t")) == sorted(expected)
