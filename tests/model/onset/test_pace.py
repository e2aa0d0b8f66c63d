import numpy as np
import pytest

from model.onset.missing import Baselines, JointNormal
from model.onset.pace import PaceRule
from model.onset.scaling import Scaling
from model.onset.splines import Splines
from model.onset.usual import UsualMarkers
from model.study.file import parse_study
from tests.model.tables import STUDY

NAN = np.nan
AGE, KI67, RATIO = 0, 1, 2
PRIOR = '[baseline.prior.recurrence]\nlog_hazard_ratio = {}\nsd = 0.4\nsource = "x"\n'


def growing_by_ki67(*, effect=0.8, effect_of_ratio=0.6):
    """Recurrence grows with the square root of Ki-67, usual at 1 %; Ki-67 and the ratio also make it more frequent."""
    text = STUDY.replace(
        'observed = "test"\n', 'observed = "test"\nlead = 12.0\npace_log_sd = 0.5\npace = {ki67 = 0.5}\n'
    )
    text = text.replace(
        'transform = "log"\ngroup = "pathology"\n', 'transform = "log"\ngroup = "pathology"\nreference = 1.0\n'
    )
    text = text.replace('\n[[baseline]]\nname = "ratio"', PRIOR.format(effect) + '\n[[baseline]]\nname = "ratio"')
    text = text.replace(
        '\n[[baseline]]\nname = "invasion"', PRIOR.format(effect_of_ratio) + '\n[[baseline]]\nname = "invasion"'
    )
    return parse_study(text, file="pace.toml")


# Scores: age, ln Ki-67 (mean 0.7, sd 1.2), ratio (sd 2), ...; Ki-67 goes with age and with the ratio.
MEAN = np.array([60.0, 0.7, 3.0, 0.2, 0.1, 0.1, 0.3, *np.zeros(9)])
SCALE = np.array([10.0, 1.2, 2.0, 0.4, 0.3, 0.3, 0.5, *np.ones(9)])
TOGETHER = np.eye(7)
TOGETHER[AGE, KI67] = TOGETHER[KI67, AGE] = 0.5
TOGETHER[KI67, RATIO] = TOGETHER[RATIO, KI67] = -0.4
NORMAL = JointNormal(np.zeros(7), TOGETHER)
USUAL = UsualMarkers.unrelated(0, len(MEAN))
SCALING = Scaling(MEAN, SCALE, MEAN - SCALE, MEAN + SCALE, np.zeros(0, dtype=np.int64), NORMAL, Splines.none(), USUAL)


def paces(study, *rows):
    """Growth of the first cause in patients given by the columns of their baselines, on the study's scale."""
    known = Baselines((np.array(rows) - MEAN[:7]) / SCALE[:7], NORMAL)
    return PaceRule.of(study, 1, SCALING).growth(known)


def patient(*, age=60.0, ki67=NAN, ratio=3.0):
    return [age, np.log(ki67), ratio, 0.0, 0.0, 0.0, 0.0]


def middle_and_sd(growth):
    log_pace = np.log(growth.pace)
    middle = log_pace @ growth.share
    return middle, np.sqrt((log_pace - middle[:, None]) ** 2 @ growth.share)


def test_four_times_the_reference_doubles_the_pace_where_the_log_pace_rises_by_a_half():
    usual, fast = paces(growing_by_ki67(), patient(ki67=1.0), patient(ki67=4.0)).pace
    assert np.median(usual) == pytest.approx(1.0)
    assert fast == pytest.approx(2.0 * usual)


def test_a_study_without_pace_grows_alike_in_everybody():
    study = growing_by_ki67()
    same = study.model_copy(update={"event": (study.event[0].model_copy(update={"pace": {}}), study.event[1])})
    usual, fast, unknown = paces(same, patient(ki67=1.0), patient(ki67=4.0), patient()).pace
    assert (usual == fast).all()
    assert (usual == unknown).all()


def test_a_missing_column_takes_mean_and_spread_given_the_known_ones():
    # Without published effects on the hazard nothing shifts: the pace's columns as expected of age 80 (score 2).
    # ln Ki-67 given age and ratio: mean 0.7 + 1.2 x 0.5 x 2, variance 1.44 (1 - 0.25 - 0.16).
    middle, sd = middle_and_sd(paces(growing_by_ki67(effect=0.0), patient(age=80.0)))
    assert middle == pytest.approx(0.5 * (0.7 + 1.2))
    assert sd == pytest.approx(np.sqrt(0.5**2 + 0.5**2 * 1.44 * 0.59), rel=0.02)


@pytest.mark.parametrize("missing", [{}, {"ratio": NAN}])
def test_a_missing_column_is_that_of_those_in_whom_it_begins(rng, missing):
    # Half a million patients of whom as much is known; it begins in few, and sooner the higher Ki-67 and the ratio.
    known = np.array([patient(age=70.0, **missing)])
    gaps = np.isnan(known)
    expected = NORMAL.complete((known - MEAN[:7]) / SCALE[:7])[0]
    spread = NORMAL.spread(gaps)[0][np.ix_(gaps[0], gaps[0])]
    scores = np.tile(expected, (500_000, 1))
    scores[:, gaps[0]] += rng.multivariate_normal(np.zeros(gaps.sum()), spread, 500_000)
    log_ki67, ratio = (MEAN[column] + SCALE[column] * scores[:, column] for column in (KI67, RATIO))
    begins = rng.random(500_000) < 1e-2 * np.exp(0.8 * log_ki67 + 0.6 * (ratio - 3.0))
    log_pace = 0.5 * log_ki67 + 0.5 * rng.standard_normal(500_000)
    middle, sd = middle_and_sd(paces(growing_by_ki67(), known[0]))
    assert begins.sum() > 5000
    assert middle[0] == pytest.approx(log_pace[begins].mean(), abs=0.03)
    assert sd[0] == pytest.approx(log_pace[begins].std(), rel=0.03)
    assert log_pace[begins].mean() > log_pace.mean() + 0.1  # those in whom it begins do grow faster


def test_a_draw_that_says_what_the_missing_one_is_has_the_pace_of_those_who_have_it():
    # Ki-67 of 6 % by the draw: paces as of somebody whose Ki-67 is known to be 6 %, on the points of the unknown one.
    study = growing_by_ki67()
    unknown = Baselines((np.array([patient()]) - MEAN[:7]) / SCALE[:7], NORMAL)
    growth = PaceRule.of(study, 1, SCALING).growth(unknown)
    guesses = np.zeros((1, 1, 7))
    guesses[0, 0, KI67] = (np.log(6.0) - MEAN[KI67]) / SCALE[KI67] - unknown.expected[0, KI67]
    share = PaceRule.of(study, 1, SCALING).share(unknown, growth, guesses=guesses)[0]
    assert share.sum() == pytest.approx(1.0)
    log_pace = np.log(growth.pace[0])
    middle = share[0] @ log_pace
    assert middle == pytest.approx(0.5 * np.log(6.0), abs=0.02)
    assert np.sqrt(share[0] @ (log_pace - middle) ** 2) == pytest.approx(0.5, rel=0.05)
