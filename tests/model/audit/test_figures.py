import re
from html.parser import HTMLParser

import pytest

from model.audit.figures import COLOURS, LINES, MARKS, ForestRow, calibration_figures, decision_figures, forest_figures


class Words(HTMLParser):
    """The words drawn into a picture, in order, and its attributes."""

    def __init__(self, picture):
        super().__init__()
        self.words, self.attributes, self.depth = [], None, 0
        self.feed(picture)

    def handle_starttag(self, tag, attributes):
        if tag == "svg":
            assert self.attributes is None
            self.attributes = dict(attributes)
        self.depth += tag == "text"

    def handle_endtag(self, tag):
        self.depth -= tag == "text"

    def handle_data(self, data):
        if self.depth and data.strip():
            self.words.append(data.strip())


def number(value, low, high):
    return {"value": value, "low": low, "high": high}


def group(landmark, horizon):
    return {
        "landmark": landmark,
        "horizon": horizon,
        "group": 1,
        "predicted": 0.1,
        "observed": 0.12,
        "low": 0.05,
        "high": 0.2,
    }


def test_a_figure_per_landmark_that_says_what_it_shows():
    pictures = calibration_figures([group(0.0, 12.0), group(12.0, 24.0)], name="c", alt='Of "death" & more.')
    shown = [Words(picture) for picture in pictures]
    labels = [each.attributes["aria-label"] for each in shown]
    assert labels == [f'From month {month}. Of "death" & more.' for month in (0, 12)]
    assert [each.words.count("agreement") for each in shown] == [1, 1]
    assert "next 12 months" in shown[0].words
    assert "next 24 months" not in shown[0].words
    ids = [set(re.findall(r'\bid="([^"]+)"', picture)) for picture in pictures]
    assert not ids[0] & ids[1]


def test_equal_numbers_give_equal_bytes():
    rows = [ForestRow("a", number(1, 0.5, 2))]
    assert forest_figures(rows, name="f", alt="x") == forest_figures(rows, name="f", alt="x")


def test_a_heading_stands_once_above_its_rows_and_rows_without_a_figure_are_left_out():
    rows = [
        ForestRow("under 10 mm", number(1, 0.5, 2), "Size"),
        ForestRow("20 mm or more", None, "Size"),
        ForestRow("10 mm", number(1, 0.5, 2), "Size"),
        ForestRow("R0", None, "Margin"),
        ForestRow("G2", number(1, 0.5, 2), "Grade"),
    ]
    (picture,) = forest_figures(rows, name="f", alt="x")
    shown = [word for word in Words(picture).words if not word[0].isdigit() or "mm" in word]
    assert shown == ["Size", "under 10 mm", "10 mm", "Grade", "G2", "observed / expected"]
    assert forest_figures([ForestRow("R0", None)], name="f", alt="x") == []


def marks(ratio):
    """How often each mark is drawn: the arrows are the marks that are drawn at the edge."""
    (picture,) = forest_figures([ForestRow("a", ratio)], name="f", alt="x")
    return picture.count("<use")


def test_an_interval_that_goes_on_beyond_the_picture_ends_in_an_arrow():
    inside = marks(number(1.0, 0.5, 2.0))
    assert marks(number(1.0, 0.05, 2.0)) == inside + 1
    assert marks(number(1.0, 0.05, 20.0)) == inside + 2
    # None was observed: an arrow to the left, and no square.
    assert marks(number(0.0, 0.0, 2.0)) == inside


def test_net_benefit_is_drawn_at_the_longest_horizon_and_unknown_lines_are_not():
    rows = [
        {
            "landmark": 0.0,
            "horizon": horizon,
            "threshold": threshold,
            "model": 0.01,
            "guideline": None,
            "all": -0.2,
            "none": 0.0,
        }
        for horizon in (12.0, 24.0)
        for threshold in (0.05, 0.1)
    ]
    (picture,) = decision_figures(rows, name="d", alt="x")
    words = Words(picture).words
    assert "From month 0, next 24 months" in words
    assert "act on everybody" in words
    assert "published strata" not in words


@pytest.mark.parametrize("told_apart_by", [MARKS, [style for _, style, _ in LINES.values()]])
def test_everything_is_told_apart_without_colour(told_apart_by):
    assert len(set(told_apart_by)) == len(told_apart_by)


def luminance(colour):
    """Relative luminance as WCAG 2 defines it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", sorted({*COLOURS, *(colour for _, _, colour in LINES.values())}))
def test_every_colour_is_dark_enough_on_white_in_grey_too(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5
