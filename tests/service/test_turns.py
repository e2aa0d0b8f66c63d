"""Whoever changes a patient within one process takes turns."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from service.errors import BusyError
from service.store.turns import Turns

ONE, OTHER = UUID(int=1), UUID(int=2)


def test_two_who_change_one_patient_come_one_after_the_other():
    turns, value = Turns(), [0]

    def add(_):
        with turns.of(ONE):
            before = value[0]
            with turns.of(OTHER):  # gives the others time to interfere
                value[0] = before + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(500)))
    assert value == [500]


def test_another_patient_does_not_wait():
    turns = Turns()
    with turns.of(ONE), turns.of(OTHER, most_seconds=0):
        pass


def test_a_turn_that_does_not_come_is_given_up_and_the_next_one_comes():
    turns = Turns()
    with turns.of(ONE), pytest.raises(BusyError), turns.of(ONE, most_seconds=0.01):
        pass
    with turns.of(ONE, most_seconds=0):
        pass


def test_an_error_ends_the_turn_and_nothing_is_kept_of_it():
    turns = Turns()
    with pytest.raises(KeyError), turns.of(ONE):
        raise KeyError
    with turns.of(ONE, most_seconds=0):
        pass
    assert turns._locks == {}
