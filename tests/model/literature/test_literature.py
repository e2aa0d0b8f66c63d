import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from examples.truth.cohorts import draw
from model.errors import BadInputError
from model.learning.fitting import fit_predictor
from model.literature.comparison import AS_ASSUMED, SETTINGS, Count, compare, exact_interval, pooled, without_each
from model.literature.document import against, in_short
from model.literature.expected import answered_until, chance_found
from model.literature.patients import draw_follow_up, draw_histories, draw_level, draw_size
from model.literature.published import Published, Size, beside, levels_of, read_literature
from model.study.file import DEFAULT_STUDY, read_study
from model.types import NEGATIVE, NOT_DONE
from tests.model.audit.known import constant_predictor
from tests.model.builders import histories, study_by_test

FILE = beside(DEFAULT_STUDY)
STUDY = read_study(DEFAULT_STUDY)
LITERATURE = read_literature(FILE, STUDY)
COHORTS = pytest.mark.parametrize("cohort", LITERATURE.cohort, ids=[each.id for each in LITERATURE.cohort])
SHEET = Path("docs/rnet-facts.md").read_text(encoding="utf-8")
SECTION_2 = SHEET.split("\n## ")[3]
ROWS = {cells[1].strip(): cells for cells in (row.split("|") for row in SECTION_2.splitlines()) if len(cells) == 8}
SHARE_WITH_INTERVAL = re.compile(r"(?=.*%)(\d+ = )?[\d.]+ (% )?[a-zA-Z ]*\((?P<low>[\d.]+)-(?P<high>[\d.]+)( %)?\)")


@pytest.fixture(scope="module")
def study():
    return STUDY


# ------------------------------------------------------------------------------------------------- what is published


def test_at_least_ten_cohorts_and_every_row_of_the_sheet_is_used_or_left_out_with_a_reason():
    used, left_out = {cohort.row for cohort in LITERATURE.cohort}, {each.row for each in LITERATURE.left_out}
    assert len(LITERATURE.cohort) >= 10
    assert not used & left_out
    assert used | left_out == set(ROWS) - {"Cohort", "---"}


@COHORTS
def test_what_is_called_published_stands_in_the_cohorts_own_row_under_its_mark(cohort):
    row = ROWS[cohort.row]
    assert row[-2].split()[0] == cohort.mark
    assert [each for each in cohort.published if each not in "|".join(row)] == []
    assert [each for each in cohort.elsewhere if each not in SHEET.replace(SECTION_2, "")] == []


@COHORTS
def test_patients_and_length_of_follow_up_are_the_published_ones(cohort):
    numbers = [float(each) for each in re.findall(r"\d+(?:\.\d+)?", " ".join(cohort.published))]
    assert cohort.n in numbers
    months = cohort.follow_up.months
    assert cohort.follow_up.what == "assumed" or {months, round(months / 12, 9)} & set(numbers)


def test_the_sheets_own_intervals_follow_from_the_counts_entered_here():
    checked = []
    for cohort in LITERATURE.cohort:
        for match in filter(None, map(SHARE_WITH_INTERVAL.fullmatch, cohort.published)):
            for end, text in zip(exact_interval(cohort.recurrences, cohort.n), match.group("low", "high"), strict=True):
                digits = len(text.partition(".")[2])
                assert 100 * end == pytest.approx(float(text), abs=0.51 * 10**-digits), cohort.id
            checked.append(cohort.id)
    assert len(checked) == 9  # Korea and CaRRS state no interval.


def test_a_study_that_lacks_what_cohorts_state_is_told_all_of_it():
    with pytest.raises(BadInputError) as error:
        read_literature(FILE, study_by_test())
    assert {problem.file for problem in error.value.problems} == {str(FILE)}
    lacking = {problem.column for problem in error.value.problems}
    assert {"size_mm", "nodal", "pelvic_mri", "margin"} <= lacking


def test_every_mistake_in_a_file_is_named_with_its_line(tmp_path):
    text = FILE.read_text(encoding="utf-8").replace("recurrences = 1", "recurrances = 1", 1)
    text = text.replace("n = 27\n", "n = 27\nnn = 1\n", 1).replace("mean = 11.6", "mean = 21.6", 1)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError) as error:
        read_literature(tmp_path / "wrong.toml", STUDY)
    lines = {problem.line for problem in error.value.problems}
    assert len(lines) == len(error.value.problems) == 3
    assert None not in lines
    with pytest.raises(BadInputError, match="no such literature file"):
        read_literature(tmp_path / "none.toml", STUDY)


def test_shares_above_one_and_more_recurrences_than_patients_are_refused():
    good = LITERATURE.cohort[0].model_dump()
    for wrong in ({"share": {"margin": {"R0": 0.7, "R1": 0.4}}}, {"recurrences": 28}):
        with pytest.raises(ValueError, match="more"):
            Published.model_validate({**good, **wrong})


# ------------------------------------------------------------------------------------------------- intervals and sums


def test_nobody_of_27_is_compatible_with_a_share_of_12_8_percent():
    # All negative: (1 - p)^27 = 0.025.
    assert exact_interval(0, 27) == pytest.approx((0.0, 1 - 0.025 ** (1 / 27)))
    assert exact_interval(27, 27) == pytest.approx((0.025 ** (1 / 27), 1.0))


@pytest.mark.parametrize(("events", "n"), [(0, 18), (1, 225), (7, 61), (25, 1262), (5, 5)])
def test_the_interval_is_scipys_exact_one(events, n):
    expected = binomtest(events, n).proportion_ci(method="exact")
    assert exact_interval(events, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_ratio_by_hand_and_none_where_nothing_is_expected():
    count = Count(100, 4, 2.0)
    assert count.ratio == 2.0
    assert count.ratio_interval == pytest.approx([50 * end for end in exact_interval(4, 100)])
    assert count.agrees
    assert not Count(100, 4, 0.5).agrees  # 0.5 % is below the interval, 1.1 to 9.9 %
    assert np.isnan([Count(10, 1, 0.0).ratio, *Count(10, 1, 0.0).ratio_interval]).all()


def test_pooling_adds_and_leaving_out_takes_away():
    counts = [Count(10, 1, 0.5), Count(20, 0, 1.5), Count(30, 2, 2.0)]
    assert pooled(counts) == Count(60, 3, 4.0)
    assert without_each(counts) == [Count(50, 2, 3.5), Count(40, 3, 2.5), Count(30, 1, 2.0)]


# ---------------------------------------------------------------------------------------------------------- patients


@COHORTS
def test_sizes_keep_to_the_published_bounds_mean_and_median(cohort):
    size = draw_size(LITERATURE.size, cohort.size, (np.arange(4000) + 0.5) / 4000)
    assert size.min() >= cohort.size.low
    assert size.max() <= cohort.size.high
    assert cohort.size.mean is None or size.mean() == pytest.approx(cohort.size.mean, rel=1e-3)
    assert cohort.size.median is None or np.median(size) == pytest.approx(cohort.size.median, rel=1e-3)


def test_the_size_law_gives_the_published_sd_too():
    # Kuiper: mean 7.4, SD 3.5. The cut at 20 mm takes a little off.
    size = draw_size(LITERATURE.size, Size(low=2, high=20, mean=7.4), (np.arange(4000) + 0.5) / 4000)
    assert size.std() == pytest.approx(3.5, abs=0.4)


def test_levels_come_in_their_shares_and_the_rest_is_missing():
    code = draw_level(("G1", "G2", "G3"), {"G2": 0.25, "G1": 0.5}, (np.arange(8) + 0.5) / 8)
    assert code[:6].tolist() == [1, 1, 0, 0, 0, 0]
    assert np.isnan(code[6:]).all()


def test_a_binary_columns_codes_are_no_and_yes(study):
    assert levels_of(study, "lymphovascular_invasion") == ("no", "yes")
    assert levels_of(study, "size_mm") == ()


@COHORTS
def test_drawn_patients_show_the_published_shares_nothing_else_and_only_negative_tests(cohort, study, rng):
    end = draw_follow_up(cohort, 1000, rng)
    drawn = draw_histories(study, cohort, LITERATURE.size, cohort.visits_of(LITERATURE.visits), end, rng=rng)
    for index, column in enumerate(study.baseline):
        value = drawn.baseline[:, index]
        if column.name in cohort.share:
            for level, share in cohort.share[column.name].items():
                code = levels_of(study, column.name).index(level)
                assert np.mean(value == code) == pytest.approx(share, abs=1e-3)
        else:
            assert np.isnan(value).all() == (column.name != "size_mm")
    assert end.mean() == pytest.approx(cohort.follow_up.months)
    assert np.median(end) == pytest.approx(cohort.follow_up.months)
    came = np.isfinite(drawn.visit_month)
    assert (drawn.visit_month[came] <= np.broadcast_to(end[:, None], came.shape)[came]).all()
    assert (np.diff(np.where(came, drawn.visit_month, 1e9), axis=1) >= 0).all()
    assert set(np.unique(drawn.test)) == {NOT_DONE, NEGATIVE}
    assert (drawn.test[~came] == NOT_DONE).all()
    assert np.isnan(drawn.marker).all()


def test_visits_are_kept_and_tests_done_as_often_as_assumed(study, rng):
    cohort, visits = LITERATURE.cohort[0], LITERATURE.visits
    drawn = draw_histories(study, cohort, LITERATURE.size, visits, np.full(4000, 200.0), rng=rng)
    came = np.isfinite(drawn.visit_month)
    assert came.mean() == pytest.approx(visits.attendance, abs=0.01)
    done = (drawn.test != NOT_DONE)[came].mean(axis=0)
    expected = [visits.done.get(test.name, 0.0) for test in study.test]
    assert done == pytest.approx(expected, abs=0.01)


# ---------------------------------------------------------------------------------------------------------- expected


def test_a_perfect_test_finds_all_that_began_before_the_last_visit_across_forecasts():
    # Hazard 0.01 per month whatever forecast it is seen from: 1 - exp(-0.01 x last visit), nothing without a visit.
    predictor = constant_predictor(study_by_test(until=60.0), [0.01, 1e-9])
    last = [18.0, 40.0, 55.0, np.inf]
    month = np.array([[12.0, each] for each in last])
    month[3] = np.inf
    done = np.where(np.isfinite(month), NEGATIVE, NOT_DONE)
    found = chance_found(predictor, histories(np.zeros(4), month, done), np.full(4, 58.0))
    assert answered_until(predictor) > 58.0
    assert found[:, 0] == pytest.approx([-np.expm1(-0.01 * each) for each in (18.0, 40.0, 55.0)] + [0.0], rel=1e-5)
    assert (found[:, 1] == 0).all()


def test_what_half_a_test_missed_in_one_forecast_is_found_in_the_next():
    # q(t) = 1 - exp(-0.01 t) began by t. Half of q(12) is found at 12; at 40, in the second forecast, half of the other
    # half and half of what began since: q(12) / 2 + q(12) / 4 + (q(40) - q(12)) / 2.
    predictor = constant_predictor(study_by_test(start=0.5, best=0.5, until=60.0), [0.01, 1e-9])
    assert predictor.grid.horizon_month < 40.0
    found = chance_found(
        predictor, histories(np.zeros(1), np.array([[12.0, 40.0]]), np.zeros((1, 2))), np.array([50.0])
    )
    q12, q40 = -np.expm1(-0.12), -np.expm1(-0.40)
    assert found[0, 0] == pytest.approx(q40 / 2 + q12 / 4, rel=1e-5)


@pytest.fixture(scope="module")
def small(study):
    known = draw("default", study, patients=400, seed=3)
    return fit_predictor(study, known.histories, known.cohort.outcomes, seed=1)[0]


@pytest.fixture(scope="module")
def rows(small):
    """As assumed, with every visit kept, with half as many."""
    return compare(small, LITERATURE, (AS_ASSUMED, *SETTINGS), patients=40, seed=1)


def test_expected_numbers_grow_with_visits_and_do_not_hang_on_draw_or_jobs(small, rows):
    as_assumed, every, half = ([row.count for row in found] for found in rows)
    assert [count.observed for count in as_assumed] == [cohort.recurrences for cohort in LITERATURE.cohort]
    assert pooled(half).expected < 0.9 * pooled(as_assumed).expected < 0.7 * pooled(every).expected
    assert compare(small, LITERATURE, patients=40, seed=1, jobs=2) == rows[:1]
    other = [row.count for row in compare(small, LITERATURE, patients=40, seed=2)[0]]
    assert pooled(other).expected == pytest.approx(pooled(as_assumed).expected, rel=0.2)


def test_a_patient_counts_once_whichever_cause_is_found(rows):
    for row, cohort in zip(rows[0], LITERATURE.cohort, strict=True):
        counted = [row.expected_by_cause[name] for name in cohort.counts]
        assert max(counted) < row.count.expected < sum(counted)


def test_the_document_adds_up_and_says_what_was_assumed(small, rows):
    document = against(small, LITERATURE, seed=1, patients=40)
    assert [row["expected"] for row in document["cohorts"]] == [row.count.expected for row in rows[0]]
    total = document["pooled"]
    assert total["observed"] == sum(row["observed"] for row in document["cohorts"]) == 25
    assert total["n"] == sum(row["n"] for row in document["cohorts"])
    assert total["ratio"]["value"] == pytest.approx(25 / total["expected"])
    assert document["variants"][0] == {"assumed": AS_ASSUMED.name, **total}
    assert document["left_out_one"]["low"] < total["ratio"]["value"] < document["left_out_one"]["high"]
    assert document["sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    said = " ".join(document["assumed"])
    assert "Beta(6, 2), mean 0.75" in said
    assert "Pelvic MRI 0.40" in said


def test_the_answer_is_what_the_counts_say():
    two = LITERATURE.cohort[:2]
    # 10 of 100 has the exact interval 4.9 to 17.6 %, 0 of 100 that of 0 to 3.6 %.
    said = in_short(two, [Count(100, 10, 2.0), Count(100, 0, 1.0)])
    assert "2 cohorts from 1 publication, 200 patients: 10 recurrences published, 3.0 expected" in said
    assert "So the model expects too few" in said
    assert f"in 1 of 2 cohorts; outside: {two[0].title} (10 against 2.00)." in said
    assert "So the model expects too many" in in_short(two, [Count(100, 0, 20.0), Count(100, 1, 1.0)])
    assert in_short(two, [Count(100, 1, 1.0), Count(100, 1, 1.0)]).endswith("in 2 of 2 cohorts.")
    assert "unknown, since nothing is expected" in in_short(two[:1], [Count(100, 0, 0.0)])
