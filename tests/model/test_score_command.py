import json

import numpy as np
import pandas as pd
import pytest

from model.score import main
from tests.model.audit.threecity import FILE, REFERENCE, reference


@pytest.fixture
def score(tmp_path, capsys):
    """Write a table, run the command; returns (exit code, stdout, stderr lines, the document or None)."""

    def run(table, *arguments):
        path, out = tmp_path / "p.csv", tmp_path / "out.json"
        out.unlink(missing_ok=True)
        path.write_text(table if isinstance(table, str) else table.to_csv(index=False))
        code = main(["--predictions", str(path), "--out", str(out), *arguments])
        printed = capsys.readouterr()
        assert str(tmp_path) not in printed.err
        document = json.loads(out.read_text()) if out.is_file() else None
        return code, printed.out.splitlines(), printed.err.splitlines(), document

    return run


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The block of the published predictions; their times are in years."""
    folder = tmp_path_factory.mktemp("score")
    table = pd.read_csv(FILE).rename(columns={"pred_dementia_5y": "probability"}).assign(horizon=5)
    table.to_csv(folder / "p.csv", index=False)
    assert main(["--predictions", str(folder / "p.csv"), "--out", str(folder / "o.json")]) == 0
    return json.loads((folder / "o.json").read_text())["by_horizon"][0]


def drawn(rng, n=300, horizons=(12.0, 24.0)):
    """Events at about 1 % per month with a competing event and censoring, and predictions that rank them a little."""
    rate = rng.uniform(0.5, 1.5, n) * 0.02
    at = np.stack([rng.exponential(1 / rate), rng.exponential(100, n), rng.uniform(6, 60, n)]).round(1)
    people = pd.DataFrame({"id": [f"p{k}" for k in range(n)], "event": (at.argmin(axis=0) + 1) % 3})
    people["time"] = at.min(axis=0)
    people["group"] = np.where(np.arange(n) % 2, "north", "south")
    return pd.concat([people.assign(horizon=h, probability=1 - np.exp(-rate * h)) for h in horizons], ignore_index=True)


def test_the_counts_are_those_of_other_software(published):
    counts = {"n": 2000, "events": 150, "competing": 135, "censored": 650, "followed": 1065}
    assert {key: published[key] for key in counts} == counts


@pytest.mark.parametrize("figure", REFERENCE)
def test_published_predictions_score_as_in_other_software(published, figure):
    name, *threshold = figure.split()
    number = published[name][threshold[0]] if threshold else published[name]
    assert number["value"] == reference(figure)
    assert number["low"] < number["value"] < number["high"]


def test_the_order_of_rows_does_not_matter_and_the_seed_moves_intervals_alone(score, rng):
    table = drawn(rng)
    document = score(table)[3]
    again = score(table.sample(frac=1, random_state=1))[3]
    assert again["by_horizon"] == document["by_horizon"]
    assert again["by_group"] == document["by_group"]
    other = score(table, "--seed", "1")[3]
    for block, moved in zip(document["by_horizon"], other["by_horizon"], strict=True):
        assert block["auc"]["value"] == moved["auc"]["value"]
        assert block["auc"]["low"] != moved["auc"]["low"]


def test_each_horizon_and_each_group_is_judged_as_if_it_were_alone(score, rng):
    table = drawn(rng)
    document = score(table)[3]
    assert [block["horizon"] for block in document["by_horizon"]] == [12.0, 24.0]
    assert [(block["horizon"], block["group"]) for block in document["by_group"]] == [
        (horizon, group) for horizon in (12.0, 24.0) for group in ("north", "south")
    ]
    assert score(table[table["horizon"] == 24])[3]["by_horizon"] == document["by_horizon"][1:]
    south = score(table[(table["group"] == "south") & (table["horizon"] == 24)])[3]["by_horizon"][0]
    for key, number in document["by_group"][3].items():
        if isinstance(number, dict) and "value" in number:
            assert number["value"] == pytest.approx(south[key]["value"])
        elif isinstance(number, int):
            assert number == south[key]


def test_the_unit_of_time_and_the_number_of_a_competing_event_do_not_matter(score, rng):
    table = drawn(rng, horizons=(24.0,))
    years = table.assign(time=table["time"] / 12, horizon=table["horizon"] / 12, event=table["event"].replace(2, 7))
    months_block, years_block = (score(each)[3]["by_horizon"][0] for each in (table, years))
    assert months_block.pop("horizon") == 12 * years_block.pop("horizon")
    assert json.dumps(months_block) == json.dumps(years_block)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"event": 0}, "too few events (0)"),
        ({"time": 24.0}, "too few still followed (0)"),
    ],
)
def test_too_little_gives_the_reason_instead_of_a_number(score, rng, change, said):
    table = drawn(rng, horizons=(24.0,)).drop(columns="group")
    if "time" in change:
        change = {"time": np.minimum(table["time"], change["time"])}
    code, out, _, document = score(table.assign(**change))
    block = document["by_horizon"][0]
    assert code == 0
    assert block["too_few"] == said
    assert said in out[0]
    assert all(block[key] is None for key in ("brier", "auc", "oe", "slope", "ici", "net_benefit", "treat_all"))


def test_certainty_has_no_slope_and_everything_else(score, rng):
    table = drawn(rng, horizons=(24.0,))
    table.loc[0, "probability"] = 0.0
    block = score(table)[3]["by_horizon"][0]
    assert [block[key] for key in ("intercept", "slope", "ici", "e50", "e90")] == [None] * 5
    assert block["brier"]["value"] > 0


def test_what_was_held_to_be_impossible_cannot_be_a_ratio(score, rng):
    code, out, _, document = score(drawn(rng, horizons=(24.0,)).assign(probability=0))
    block = document["by_horizon"][0]
    assert (code, block["oe"]) == (0, None)
    assert block["auc"]["value"] == pytest.approx(0.5)
    assert out[0].endswith("observed/expected unknown, AUC 0.500")
    assert all(number == {"value": 0.0, "low": 0.0, "high": 0.0} for number in block["net_benefit"].values())


def test_thresholds_are_the_users_and_every_figure_is_defined(score, rng):
    document = score(drawn(rng), "--thresholds", "0.25", "0.125")[3]
    block = document["by_horizon"][0]
    assert list(block["net_benefit"]) == list(block["treat_all"]) == ["0.125", "0.25"]
    assert document["rules"]["thresholds"] == [0.125, 0.25]
    unsaid = set(block) - set(document["definitions"])
    assert unsaid == {"horizon", "events", "competing", "censored", "followed"}  # said under "n"


HEADER = "id,event,time,probability,horizon"
VALUE = "must be a number with a decimal point (value withheld)"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a,1,5,nan,12", f"p.csv:2: probability: {VALUE}"),
        ("a,1,5,,12", "p.csv:2: probability: a value is required"),
        ("a,1,5,1.01,12", "p.csv:2: probability: must be from 0 to 1 (value withheld)"),
        ("a,1,5,-0.01,12", "p.csv:2: probability: must be from 0 to 1 (value withheld)"),
        ("a,1,5,inf,12", "p.csv:2: probability: must be from 0 to 1 (value withheld)"),
        ("a,1,5,12 %,12", f"p.csv:2: probability: {VALUE}"),
        ("a,yes,5,0.1,12", f"p.csv:2: event: {VALUE}"),
        ("a,1.5,5,0.1,12", "p.csv:2: event: must be 0 (censored), 1 (the event), or 2 and so on"),
        ("a,-1,5,0.1,12", "p.csv:2: event: must be 0 (censored), 1 (the event), or 2 and so on"),
        ("a,1,-5,0.1,12", "p.csv:2: time: must be 0 or more (value withheld)"),
        ("a,1,inf,0.1,12", "p.csv:2: time: must be a finite number (value withheld)"),
        ("a,1,5,0.1,0", "p.csv:2: horizon: must be above 0 (value withheld)"),
        (",1,5,0.1,12", "p.csv:2: id: a value is required"),
        ("a,1,5,0.1,12\na,1,5,0.1,12.0", "p.csv:3: id: this id stands more than once with this horizon"),
    ],
)
def test_a_broken_cell_is_one_line_and_nothing_is_written(score, row, problem):
    code, out, err, document = score(f"{HEADER}\n{row}\nz,0,6,0.2,12\n")
    assert (code, out, document, len(err)) == (2, [], None, 1)
    assert err[0].startswith(problem)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("id,event,time,horizon\na,1,5,12\n", "p.csv:1: probability: this column is required and missing"),
        (f"{HEADER}\n", "p.csv: the table has no rows"),
        (f"{HEADER},group\na,1,5,0.1,12,\n", "p.csv:2: group: a value is required"),
        ("", "p.csv: the file is empty"),
    ],
)
def test_a_table_that_cannot_be_judged_says_why(score, table, problem):
    code, _, err, document = score(table)
    assert (code, err, document) == (2, [problem], None)


def test_every_fault_is_told_at_once_in_the_order_of_the_file(score):
    _, _, err, _ = score(f"{HEADER}\na,9.5,-1,7,0\nb,0,5,x,12\n")
    assert [line.split(": ")[:2] for line in err] == [
        ["p.csv:2", "event"],
        ["p.csv:2", "horizon"],
        ["p.csv:2", "probability"],
        ["p.csv:2", "time"],
        ["p.csv:3", "probability"],
    ]


def test_a_column_that_is_not_used_is_named(score, rng):
    code, _, err, document = score(drawn(rng).rename(columns={"group": "grp"}))
    assert (code, err) == (0, ['warning: p.csv: grp: unknown column, ignored; is it "group"?'])
    assert document["by_group"] == []


def test_a_threshold_beyond_certainty_is_refused(score, rng, capsys):
    with pytest.raises(SystemExit) as stopped:
        score(drawn(rng), "--thresholds", "1")
    assert stopped.value.code == 2
    assert "must be a number between 0 and 1" in capsys.readouterr().err
