"""Keys of the study file that say how a recurrence grows, how often it begins, and who is like whom."""

import re

import pytest

from model.study.file import parse_study
from tests.model.builders import RICH
from tests.model.test_study_file import errors_of, swapped


def test_how_it_grows_how_often_it_begins_and_who_is_like_whom():
    study = parse_study(RICH, file="s.toml")
    recurrence, death = study.event
    assert (recurrence.lead, recurrence.pace_log_sd, recurrence.pace) == (9.0, 0.5, {"ki67": 0.5})
    prior = recurrence.prior
    assert (prior.cumulative_hazard, prior.by, prior.power, prior.log_sd) == (0.02, 120.0, 0.6, 0.5)
    assert (death.lead, death.pace_log_sd, death.pace, death.prior) == (0.0, 0.0, {}, None)
    assert [item.reference for item in study.baseline[:3]] == [None, 1.0, None]
    sees = study.test[0].sees["recurrence"]
    assert (sees.shape, sees.first) == (1.3, 0.1)
    assert [(each.column, each.cuts) for each in study.strata] == [("age", (50.0, 70.0)), ("margin", ())]
    # A hazard that does not change with time is what is meant where no power is given; likewise a curve without shape.
    plain = parse_study(RICH.replace("power = 0.6\n", "").replace("shape = 1.3\n", ""), file="s.toml")
    assert (plain.event[0].prior.power, plain.test[0].sees["recurrence"].shape) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lead = 9.0", "lead = -1.0", "event[recurrence].lead: must be greater than or equal to 0"),
        ("pace_log_sd = 0.5", "pace_log_sd = 2.5", "event[recurrence].pace_log_sd: must be less than or equal to 2"),
        ("{ki67 = 0.5}", "0.5", "event[recurrence].pace: must be a table"),
        ("{ki67 = 0.5}", '{ki67 = "0.5"}', "event[recurrence].pace.ki67: must be a number"),
        ("{ki67 = 0.5}", "{ki76 = 0.5}", 'event[recurrence].pace.ki76: no [[baseline]] is named "ki76"'),
        ("{ki67 = 0.5}", "{cga = 0.5}", 'event[recurrence].pace.cga: no [[baseline]] is named "cga"'),
        ("{ki67 = 0.5}", "{age = 0.5}",
         'event[recurrence].pace.age: "age" needs a reference, at which the pace is usual'),
        ("{ki67 = 0.5}", "{grade = 0.5}", "event[recurrence].pace.grade: the pace depends on numbers only"),
        ('observed = "exact"', 'observed = "exact"\nseverity = 1',
         'event[death].severity: only for events with observed = "test"'),
        ('observed = "exact"', 'observed = "exact"\nlead = 3.0',
         'event[death].lead: only for events with observed = "test"'),
        ('observed = "exact"', 'observed = "exact"\npace = {ki67 = 0.5}',
         'event[death].pace: only for events with observed = "test"'),
        ("reference = 1.0", "reference = 0.01", "baseline[ki67].reference: must lie within the range"),
        ("reference = 1.0", 'reference = "1"', "baseline[ki67].reference: must be a number"),
        ('kind = "binary"', 'kind = "binary"\nreference = 0.0',
         ("baseline[invasion].reference: only for numbers: of everything else the first level, or 0, is "
          "the reference")),
        ("cumulative_hazard = 0.02", "cumulative_hazard = 0.0",
         "event[recurrence].prior.cumulative_hazard: must be greater than 0"),
        ("cumulative_hazard = 0.02\n", "", "event[recurrence].prior.cumulative_hazard: this key is required"),
        ("by = 120.0\n", "", "event[recurrence].prior.by: this key is required"),
        ("log_sd = 0.5\nsource", "source", "event[recurrence].prior.log_sd: this key is required"),
        ('log_sd = 0.5\nsource = "x"', "log_sd = 0.5", "event[recurrence].prior.source: this key is required"),
        ("power = 0.6", "power = 6.0", "event[recurrence].prior.power: must be less than or equal to 5"),
        ("power = 0.6", "powre = 0.6", 'event[recurrence].prior.powre: unknown key; did you mean "power"?'),
        ("shape = 1.3", "shape = 0.0", "test[ct].sees.recurrence.shape: must be greater than 0"),
        ("first = 0.1", "first = 0.6",
         "test[ct].sees.recurrence.first: first must be at most start: what grows is seen better"),
        ('column = "age"', 'column = "sex"', 'strata[1].column: no [[baseline]] is named "sex"'),
        ("cuts = [50.0, 70.0]\n", "", "strata[1].column: a number needs cuts"),
        ('column = "margin"', 'column = "margin"\ncuts = [1.0]', "strata[2].cuts: only a number has cuts"),
        ("[50.0, 70.0]", "[70.0, 50.0]", "strata[1].cuts: cuts must ascend, each once"),
    ],
)  # fmt: skip
def test_each_mistake_about_growth_priors_and_strata_is_said_in_plain_words(old, new, message):
    text = swapped(old, new, RICH)
    [found] = errors_of(text)
    place, said = found.split(": ", 1)
    assert said == message
    # The line is that of the key, or of the table that lacks it.
    line = text.splitlines()[int(place.removeprefix("s.toml:")) - 1]
    written = [part for part in re.findall(r"[a-z0-9_]+", said.split(": ")[0]) if f"{part} =" in line]
    assert written or (line.startswith("[") and "required" in said)
