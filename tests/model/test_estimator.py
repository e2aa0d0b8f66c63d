import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from model.errors import BadInputError, NotSupportedError
from model.estimator import RecurrenceModel
from model.learning.fitting import fit_predictor
from model.risk_table import AT_ONCE_WITH_BANDS
from model.study.entries import Prior
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import records_from_frames
from synthetic_data.cohort import draw_tables
from synthetic_data.variants import VARIANTS
from tests.model.builders import exact_study, outcomes, study_by_test

STUDY = exact_study()
EVENTS = ["local", "nodal", "distant", "death"]


@pytest.fixture(scope="module")
def frames():
    """Synthetic patients of the default study as data frames."""
    tables = draw_tables(VARIANTS["default"], patients=600, seed=5)
    return {name: tables[name].to_pandas() for name in ("patients", "visits", "outcomes")}


@pytest.fixture(scope="module")
def model(frames):
    return RecurrenceModel().fit(**frames)


@pytest.fixture(scope="module")
def still(frames):
    """Those of whom nothing had come by month 24."""
    ending = frames["outcomes"]
    return ending.loc[ending["time"] > 24, "patient_id"]


def deaths(n=150):
    """Patients of a study without tests, whose deaths depend on x; the identifiers are numbers."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=n)
    month = rng.exponential(30 * np.exp(-x))
    patients = pd.DataFrame({"patient_id": np.arange(n) + 1000, "x": x})
    ending = {"time": np.minimum(month, 60.0), "event": np.where(month < 60, "death", "none")}
    return {"patients": patients, "visits": None, "outcomes": patients[["patient_id"]].assign(**ending)}


@pytest.fixture(scope="module")
def small():
    return RecurrenceModel(STUDY).fit(**deaths())


def test_parameters_are_stored_as_given_and_survive_a_clone():
    model = RecurrenceModel(STUDY, published=False, random_state=7)
    assert model.get_params() == {
        "learner": "linear",
        "study": STUDY,
        "published": False,
        "random_state": 7,
    }
    assert clone(model).get_params() == model.get_params()
    assert RecurrenceModel().set_params(random_state=3).random_state == 3
    assert repr(RecurrenceModel()) == "RecurrenceModel()"
    with pytest.raises(ValueError, match="Invalid parameter"):
        RecurrenceModel().set_params(seed=3)


def test_before_fitting_there_is_no_answer():
    with pytest.raises(NotFittedError):
        RecurrenceModel().predict(deaths()["patients"], landmark=0.0)


def test_fitting_returns_the_model_and_leaves_its_parameters_alone(small):
    assert small.get_params() == RecurrenceModel(STUDY).get_params()
    assert small.study_ is STUDY
    assert small.supported_until_ == 24
    with pytest.raises(NotFittedError):  # A clone has learned nothing.
        clone(small).predict(deaths()["patients"], landmark=0.0)


def test_a_study_may_be_a_path_or_a_study(frames):
    wrong = frames["outcomes"].assign(event="none")
    for study in (None, str(DEFAULT_STUDY), DEFAULT_STUDY, read_study(DEFAULT_STUDY)):
        with pytest.raises(BadInputError, match=r"nothing can be learned"):
            RecurrenceModel(study).fit(frames["patients"], frames["visits"], wrong)


def test_frames_give_the_very_numbers_that_arrays_give(frames, model, still):
    records = records_from_frames(frames["patients"], frames["visits"], model.study_)
    asked = still[: AT_ONCE_WITH_BANDS + 5]
    place = [records.patient_id.index(patient) for patient in asked]
    histories, as_of = records.histories.select(np.array(place)), np.full(len(place), 24.0)
    risks = model.predict(**without_outcomes(frames), landmark=pd.Series(24.0, index=asked))
    forecast = model.predictor_.predict(histories, as_of)
    low, high = model.predictor_.predict_draws(histories, as_of).band()
    shape = (len(place), len(EVENTS), 4)
    for name, source in {"probability": forecast, "low": low, "high": high}.items():
        expected = np.stack([source.at(horizon) for horizon in (12.0, 24.0, 36.0, 60.0)], axis=-1)
        np.testing.assert_allclose(risks[name].to_numpy().reshape(shape), expected, rtol=1e-9, atol=1e-15)
    assert list(risks) == ["patient_id", "landmark", "event", "horizon", "probability", "low", "high"]
    assert risks["event"].tolist() == [event for event in EVENTS for _ in range(4)] * len(place)
    assert risks["horizon"].tolist() == [12.0, 24.0, 36.0, 60.0] * 4 * len(place)
    assert risks["patient_id"].tolist() == [patient for patient in asked for _ in range(16)]


def without_outcomes(frames):
    return {"patients": frames["patients"], "visits": frames["visits"]}


def test_fitting_frames_is_fitting_their_arrays(small):
    frames = deaths()
    records = records_from_frames(frames["patients"], None, STUDY)
    ending = outcomes(frames["outcomes"]["time"].to_numpy(), frames["outcomes"]["event"].to_numpy() == "death")
    from_arrays, _ = fit_predictor(STUDY, records.histories, ending, seed=1)
    as_of = np.zeros(len(records))
    np.testing.assert_array_equal(
        from_arrays.predict(records.histories, as_of).incidence,
        small.predictor_.predict(records.histories, as_of).incidence,
    )


def test_at_horizon_0_stands_what_is_present_and_not_yet_seen(frames, model, still):
    landmark = pd.Series(24.0, index=still[:20])
    risks = model.predict(**without_outcomes(frames), landmark=landmark, horizons=[0.0], bands=False)
    records = records_from_frames(frames["patients"], frames["visits"], model.study_)
    place = np.array([records.patient_id.index(patient) for patient in still[:20]])
    forecast = model.predictor_.predict(records.histories.select(place), np.full(20, 24.0))
    np.testing.assert_allclose(risks["probability"].to_numpy().reshape(20, 4), forecast.unseen, rtol=1e-9)
    by_event = risks.groupby("event")["probability"].max()
    assert by_event["death"] == 0
    assert (by_event[EVENTS[:3]] > 0).all()


def test_what_happened_after_the_landmark_is_not_used(frames, model, still):
    landmark = pd.Series(24.0, index=still[:30])
    later = frames["visits"]["time"] > 24
    assert later.sum() > 100
    known = model.predict(**without_outcomes(frames), landmark=landmark, bands=False)
    forgotten = model.predict(frames["patients"], frames["visits"][~later], landmark=landmark, bands=False)
    pd.testing.assert_frame_equal(known, forgotten)


def test_every_entry_of_a_series_is_answered_in_its_order_with_its_own_type_of_identifier(small):
    patients = deaths()["patients"]
    landmark = pd.Series([6.0, 0.0, 12.0], index=[1005, 1002, 1005])
    risks = small.predict(patients, landmark=landmark, horizons=[12.0])
    assert risks["patient_id"].tolist() == [1005, 1002, 1005]
    assert risks["patient_id"].dtype == patients["patient_id"].dtype
    assert risks["landmark"].tolist() == [6.0, 0.0, 12.0]
    for number, (patient, moment) in enumerate(landmark.items()):
        alone = small.predict(patients[patients["patient_id"] == patient], landmark=moment, horizons=[12.0])
        pd.testing.assert_frame_equal(risks.iloc[[number]].reset_index(drop=True), alone)
    by_index = small.predict(patients.set_index("patient_id"), landmark=landmark, horizons=[12.0])
    pd.testing.assert_frame_equal(by_index, risks)


def test_nobody_asked_about_is_an_empty_answer(small):
    risks = small.predict(deaths()["patients"], landmark=pd.Series([], dtype=float))
    assert list(risks) == ["patient_id", "landmark", "event", "horizon", "probability", "low", "high"]
    assert risks.empty


def test_the_seed_moves_the_bands_alone(small):
    patients = deaths()["patients"][:5]
    again, other, drawn = (
        RecurrenceModel(STUDY, random_state=seed).fit(**deaths()) for seed in (1, 2, np.random.RandomState(4))
    )
    risks = small.predict(patients, landmark=0.0)
    pd.testing.assert_frame_equal(risks, again.predict(patients, landmark=0.0))
    for model in (other, drawn):
        moved = model.predict(patients, landmark=0.0)
        pd.testing.assert_series_equal(moved["probability"], risks["probability"])
        assert (moved["low"] != risks["low"]).all()
    assert (risks["low"] < risks["probability"]).all()
    assert (risks["probability"] < risks["high"]).all()


def test_published_effects_can_be_left_out():
    # Deaths come at exp(x): a claim of exp(-3 x), held for certain, is believed unless it is left out.
    claimed = Prior(log_hazard_ratio=-3.0, sd=0.01, source="made up for this test")
    [x] = STUDY.baseline
    study = STUDY.model_copy(update={"baseline": (x.model_copy(update={"prior": {"death": (claimed,)}}),)})
    patients = pd.DataFrame({"patient_id": ["low", "high"], "x": [-1.0, 1.0]})
    believing, own = (
        RecurrenceModel(study, published=published)
        .fit(**deaths())
        .predict(patients, None, landmark=0, horizons=[12], bands=False)["probability"]
        for published in (True, False)
    )
    assert believing[0] > believing[1]
    assert own[0] < own[1]


def test_a_fitted_model_can_be_pickled(small):
    patients = deaths()["patients"]
    copy = pickle.loads(pickle.dumps(small))
    pd.testing.assert_frame_equal(copy.predict(patients, landmark=6.0), small.predict(patients, landmark=6.0))


def test_a_column_that_is_not_known_is_named_in_a_warning(small):
    frames = deaths()
    frames["patients"] = frames["patients"].assign(X=1.0)
    with pytest.warns(UserWarning, match=r"patients: X: unknown column, ignored") as caught:
        small.predict(frames["patients"], landmark=0.0, bands=False)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"patients: X: unknown column") as caught:
        RecurrenceModel(STUDY).fit(**frames)
    assert caught[0].filename == __file__


def test_events_that_all_came_too_late_teach_nothing():
    patients = pd.DataFrame({"patient_id": ["A", "B", "C"], "x": [0.0, 1.0, 2.0]})
    visits = patients[["patient_id"]].assign(time=100.0, scan=["positive", "negative", "negative"])
    ending = patients[["patient_id"]].assign(time=100.0, event=["recurrence", "none", "none"])
    with pytest.raises(BadInputError, match=r"^outcomes: event: every target event lies beyond landmark_until"):
        RecurrenceModel(study_by_test(until=24.0)).fit(patients, visits, ending)


def test_a_patient_whose_event_was_found_is_named_by_row(frames, model):
    visits = frames["visits"]
    positive = (visits[[test.name for test in model.study_.test]] == "positive").any(axis=1)
    found = visits[positive & (visits["time"] <= 36)].iloc[0]
    row = frames["patients"]["patient_id"].tolist().index(found["patient_id"]) + 1
    message = "a test was positive by the landmark, so the event has been found: there is no risk of it to predict"
    with pytest.raises(BadInputError) as caught:
        model.predict(**without_outcomes(frames), landmark=36.0)
    assert f"patients:{row}: patient_id: {message}" in [*map(str, caught.value.problems)]
    moments = pd.Series(36.0, index=["P0000001", found["patient_id"]])
    with pytest.raises(BadInputError, match=rf"^landmark:2: patient_id: {message}$"):
        model.predict(**without_outcomes(frames), landmark=moments)
    # A moment before it was found can be asked for.
    before = pd.Series(found["time"] - 0.5, index=[found["patient_id"]])
    assert len(model.predict(**without_outcomes(frames), landmark=before, bands=False)) == 16


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"landmark": 24.5}, "landmark 24.5 is not within what the model supports, 0 to 24 months"),
        ({"landmark": -1}, "landmark -1 is not within what the model supports, 0 to 24 months"),
        ({"landmark": np.nan}, "landmark nan is not within what the model supports, 0 to 24 months"),
        ({"landmark": 0, "horizons": [12, 25]}, "horizon 25 is not within what the model answers, 0 to 24 months"),
        ({"landmark": 0, "horizons": []}, "no horizon was asked for: give one or more, or None for those of the study"),
        ({"landmark": 0, "horizons": [-1]}, "horizon -1 is not within what the model answers, 0 to 24 months"),
    ],
)
def test_beyond_what_it_learned_from_there_is_no_answer(small, asked, message):
    with pytest.raises(NotSupportedError) as caught:
        small.predict(deaths()["patients"], **asked)
    assert str(caught.value) == message


@pytest.mark.parametrize("bands", [True, False])
def test_a_record_for_which_no_number_comes_out_is_refused_not_left_blank(small, bands):
    patients = deaths()["patients"].assign(x=0.0)
    patients.loc[7, "x"] = 1e6
    with pytest.raises(NotSupportedError, match=r"^row 8 of patients: the model gives no finite number"):
        small.predict(patients, landmark=0, bands=bands)
    assert len(small.predict(patients.drop(index=7), landmark=0, horizons=[12], bands=bands)) == 149


def test_every_wrong_entry_of_a_series_is_named(small):
    asked = pd.Series([0.0, np.nan, 25.0, 3.0, 4.0], index=[1000, 1001, 1002, 7, None])
    with pytest.raises(BadInputError) as caught:
        small.predict(deaths()["patients"], landmark=asked)
    assert [*map(str, caught.value.problems)] == [
        "landmark:2: landmark: a value is required",
        "landmark:3: landmark: must be from 0 to 24 (value withheld)",
        "landmark:4: patient_id: no such patient in patients",
        "landmark:5: patient_id: a value is required",
    ]
