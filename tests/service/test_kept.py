import threading

import pytest

from service.monitoring.kept import MOST_KEPT, Kept


def test_an_answer_is_worked_out_once_per_key_from_the_one_before():
    answers, asked = Kept(), []

    def work_out(before):
        asked.append(before)
        return len(asked)

    assert [answers.answer("a", key, work_out) for key in ("x", "x", "y", "y", "x")] == [1, 1, 2, 2, 3]
    assert asked == [None, 1, 2]
    assert answers.answer("b", "x", work_out) == 4
    assert asked[-1] is None


def test_only_so_many_answers_are_kept_those_that_were_worked_out_last():
    answers, asked = Kept(), []

    def ask(name):
        return answers.answer(name, "x", lambda _: asked.append(name) or name)

    names = [str(number) for number in range(MOST_KEPT + 3)]
    assert [ask(name) for name in names] == names
    assert [ask(name) for name in names[3:]] == names[3:]
    assert asked == names
    assert ask("0") == "0"
    assert asked == [*names, "0"]


def test_two_who_ask_at_once_share_the_work():
    answers, started, asked = Kept(), threading.Event(), []

    def work_out(_):
        asked.append(1)
        started.set()
        return sum(range(1_000_000))

    found = []
    threads = [threading.Thread(target=lambda: found.append(answers.answer("a", "x", work_out))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [sum(range(1_000_000))] * 4
    assert len(asked) == 1


def test_after_a_failure_the_next_one_tries_again():
    answers = Kept()

    def fail(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        answers.answer("a", "x", fail)
    assert answers.answer("a", "x", lambda _: 5) == 5
