import sys

from model.command_line import shown


def test_elsewhere_than_on_a_terminal_each_result_is_a_line_once_it_is_there(capsys):
    results = shown(iter("ab"), 2, "folds done")
    assert next(results) == "a"
    assert capsys.readouterr().err == "  folds done: 1 of 2\n"
    assert list(results) == ["b"]
    assert capsys.readouterr().err == "  folds done: 2 of 2\n"


def test_many_results_are_ten_lines_evenly_spread(capsys):
    assert list(shown(range(25), 25, "x")) == [*range(25)]
    told = capsys.readouterr().err.splitlines()
    assert [int(line.split()[1]) for line in told] == [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]


def test_on_a_terminal_there_is_a_bar_that_goes_away(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(shown(iter("ab"), 2, "folds done")) == ["a", "b"]
    told = capsys.readouterr().err
    assert "folds done" in told
    assert "\n" not in told
