"""How often a caller may ask (F22), reckoned by hand and over HTTP."""

import httpx
import pytest

from service.access.errors import TooManyRequestsError
from service.access.rate import RateLimit
from service.app import create_app
from service.settings import Settings, database_url
from tests.service.checks import problem
from tests.service.conftest import NOW, key_for, serving


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def let_through(limit, caller, most=1000):
    """How many requests at one moment are let through, and the wait that the next is told."""
    for number in range(most):
        try:
            limit.take(caller)
        except TooManyRequestsError as refusal:
            return number, int(refusal.headers["retry-after"])
    return most, 0


def test_a_burst_of_two_seconds_and_then_the_steady_rate():
    clock = Clock()
    limit = RateLimit(4, clock)
    assert let_through(limit, "a") == (8, 1)
    clock.now += 0.125
    assert let_through(limit, "a") == (0, 1)
    clock.now += 0.625
    assert let_through(limit, "a") == (3, 1)
    clock.now += 1000
    assert let_through(limit, "a") == (8, 1)


def test_callers_do_not_use_up_each_other_s_requests():
    limit = RateLimit(5, Clock())
    let_through(limit, "a")
    assert let_through(limit, "b") == (10, 1)


def test_a_slow_rate_says_how_long_to_wait():
    clock = Clock()
    limit = RateLimit(0.1, clock)
    assert let_through(limit, "a") == (1, 10)
    clock.now += 4
    assert let_through(limit, "a") == (0, 6)


def test_without_a_limit_nobody_waits():
    assert let_through(RateLimit(0, Clock()), "a") == (1000, 0)


def test_callers_who_have_been_quiet_are_forgotten():
    clock = Clock()
    limit = RateLimit(5, clock)
    for number in range(10_000):
        limit.take(str(number))
    clock.now += 10
    limit.take("one more")
    assert len(limit._buckets) == 1


@pytest.fixture
def slow(tmp_path, artifacts):
    settings = Settings(database_url(f"sqlite:///{tmp_path / 'x.sqlite'}"), artifacts, requests_per_second=2)
    app = create_app(settings, clock=lambda: NOW)
    with serving(app) as address:
        yield app, address


def test_f22_more_than_the_limit_is_429_with_the_seconds_to_wait(slow):
    app, address = slow
    busy, quiet = key_for(app, "clinician"), key_for(app, "clinician")
    answers = [httpx.get(f"{address}/v1/model", headers=busy) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 4 <= len(answers) - len(refused) < 12
    for answer in refused:
        problem(answer, 429)
        assert answer.headers["retry-after"] == "1"
    assert httpx.get(f"{address}/v1/model", headers=quiet).status_code == 200
    assert httpx.get(f"{address}/healthz").status_code == 200
