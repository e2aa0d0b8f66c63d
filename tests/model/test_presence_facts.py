import numpy as np
import pytest

from model.features import at_landmark
from model.onset.growth import Growth
from model.onset.presence import Readings
from model.saved.facts import model_facts
from model.saved.presence_facts import STAGES, presence_effects

NOW = np.array([24.0])
# At month 24, growth at the usual pace with a lead of 20: begun 5 months back, 15, and 25.
BEGUN = np.array([19.0, 9.0, -1.0])
GROWTH = Growth(20.0, np.ones((1, 1)), np.ones(1))


@pytest.fixture(scope="module")
def rows(trained):
    return model_facts(trained.cohort, trained.predictor, trained.fits, seed=1, learner="linear")["presence"]


def test_every_marker_has_a_ratio_for_every_stage_of_what_tests_find(rows, trained):
    study = trained.cohort.study
    found_by_test = [event.name for event in study.event if event.observed == "test"]
    assert [(row["event"], row["marker"], row["what"], row["stage"]) for row in rows] == [
        (event, marker.name, what, stage)
        for event in found_by_test
        for marker in study.marker
        for what in ("last", "last, 3 sd", "trend")
        for stage in STAGES
    ]


@pytest.mark.parametrize(("what", "n_sd"), [("last", 1), ("last, 3 sd", 3), ("trend", 1)])
def test_the_ratio_is_how_the_model_moves_the_odds_of_what_began_as_a_reading_rises_from_the_usual(
    rows, trained, what, n_sd
):
    predictor, histories = trained.predictor, trained.cohort.histories
    scaling, names = predictor.scaling, [feature.name for feature in predictor.features]
    column = names.index("cga_trend" if what == "trend" else "cga_last")
    measured = np.flatnonzero(~np.isnan(histories.marker[:, :, 0]).all(axis=1) & (histories.visit_month[:, 0] < 24))
    who = measured[:1]
    features = at_landmark(predictor.study, histories, who, NOW)
    features[:, names.index("cga_age")] = 0.0  # measured now: of an older reading less counts
    asked = {
        row["stage"]: row for row in rows if (row["event"], row["marker"], row["what"]) == ("distant", "cga", what)
    }
    completed = predictor.baselines(histories.select(who)).expected
    if what != "trend":
        usual = scaling.usual.effect[0] @ np.append(1.0, completed[0])
        features[:, column] = scaling.mean[column] + usual * scaling.scale[column]
    higher = features.copy()
    higher[:, column] += n_sd * asked["past onset"]["sd"]
    cause = predictor.study.event_names.index("distant")
    factor = [
        predictor.causes[cause].presence.best.factors(
            Readings.of(each, scaling.apply(each, completed), predictor.features, scaling, NOW), BEGUN, GROWTH
        )[0, 0]
        for each in (features, higher)
    ]
    assert factor[1] / factor[0] == pytest.approx([asked[stage]["odds_ratio"]["value"] for stage in STAGES])


def test_19_of_20_of_the_draws_behind_the_bands_lie_within_the_interval(rows, trained):
    cause = trained.predictor.study.event_names.index("distant")
    drawn = np.exp(trained.predictor.causes[cause].presence.draws.effect[:, 2, 1:3].sum(axis=1))
    ratio = next(
        row["odds_ratio"] for row in rows if (row["event"], row["what"], row["stage"]) == ("distant", "last", STAGES[2])
    )
    inside = np.mean((ratio["low"] < drawn) & (drawn < ratio["high"]))
    assert 0.90 < inside < 0.99  # 200 draws: standard error 0.015
    assert ratio["low"] * ratio["high"] == pytest.approx(ratio["value"] ** 2)


def test_without_a_lead_only_what_is_past_its_onset_exists(trained):
    event, fit = trained.cohort.study.event[0], trained.fits[0]
    found = presence_effects(trained.predictor, event.model_copy(update={"lead": 0.0}), fit)
    assert {row["stage"] for row in found} == {"past onset"}
    assert found == [row for row in presence_effects(trained.predictor, event, fit) if row["stage"] == "past onset"]
