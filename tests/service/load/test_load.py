"""Small versions of `python -m examples.service_load`: what the real process promises under load and faults.

The commands run all of it on both kinds of database, for longer.
"""

import re

import pytest

from examples.service_load import campaign, kills, latency, outage, writers
from examples.service_load.databases import new_place
from examples.service_load.options import Options


def lines(load, kind, artifacts, **sizes):
    """What a load yields; it raises where the service breaks a promise."""
    with new_place(kind) as place:
        return list(load.report(Options(artifacts, **sizes), place))


def numbers(line):
    return [float(number) for number in re.findall(r"[0-9.]*[0-9]", line)]


def test_writers_on_one_patient_lose_nothing(artifacts):
    first, *_ = lines(writers, "postgresql", artifacts, clients=4, seconds=1)
    _, _, n_visits, n_added, n_late, *_ = numbers(first)
    assert n_visits >= 4
    assert 0 < n_added + n_late <= n_visits


def test_f27_a_killed_service_has_every_visit_that_it_acknowledged(artifacts):
    first, second, third, _ = lines(kills, "sqlite", artifacts, clients=3, kills=1)
    assert "killed 1 times" in first
    assert numbers(second)[0] > 0
    assert numbers(third)[1] > 0  # somebody was cut off: the kill was in mid-load


@pytest.mark.parametrize(("kind", "outages"), [("sqlite", 2), ("postgresql", 1)])
def test_f26_a_database_that_goes_away_under_load_comes_back(artifacts, kind, outages):
    # SQLite's writers wait 5 s for a lock before they are refused.
    found = lines(outage, kind, artifacts, clients=3, seconds=9 if kind == "sqlite" else 1)
    assert len([line for line in found if line.startswith("database")]) == outages


def test_generated_requests_are_answered_as_the_document_says(artifacts):
    found = lines(campaign, "sqlite", artifacts, clients=2, requests=300)
    assert found[0].startswith("300 requests")
    assert found[-1] == "no 500, no answer that the document does not describe"


def test_visits_are_timed_with_and_without_an_answer(artifacts):
    _, answered, plain, ratio, _ = lines(latency, "sqlite", artifacts, clients=2, seconds=1, blocks=1)
    assert numbers(ratio)[0] == pytest.approx(numbers(answered)[1] / numbers(plain)[1], rel=0.2)
