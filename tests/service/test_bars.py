"""The drawing of signed bars, worked by hand."""

import math

import pytest

from service.api.outgoing_risk import GroupOut
from service.ui.bars import MIDDLE, REACH, bar_charts


def test_bars_share_one_scale_and_end_with_their_sum():
    groups = [
        GroupOut(group="imaging", effect={"local": math.log(2), "nodal": -math.log(2)}),
        GroupOut(group="pathology", effect={"local": 0.001, "nodal": 0.0}),  # nothing to see in either
        GroupOut(group="time", effect={"local": math.log(2), "nodal": 0.0}),
    ]
    local, nodal = bar_charts(groups, {"local": "Local", "nodal": "Nodal"})
    assert [bar.label for bar in local.bars] == ["Imaging", "Time", "All together"]
    whole = 2 * math.log(2) + 0.001  # what is too small to draw counts all the same
    assert local.bars[-1].log_hazard == pytest.approx(whole)
    half = REACH * math.log(2) / whole
    assert [bar.width for bar in local.bars] == pytest.approx([half, half, REACH])
    assert [bar.left for bar in local.bars] == [MIDDLE] * 3
    assert nodal.bars[0].left == pytest.approx(MIDDLE - half)
    assert [bar.direction for bar in local.bars] == ["up", "up", "up"]
    assert [bar.direction for bar in nodal.bars] == ["down", "none", "down"]


def test_small_effects_are_drawn_small():
    (chart,) = bar_charts([GroupOut(group="time", effect={"x": math.log(1.05)})], {"x": "X"})
    assert chart.bars[0].width == pytest.approx(REACH * math.log(1.05) / math.log(1.5))


def test_without_any_effect_the_sum_stands_alone():
    (chart,) = bar_charts([GroupOut(group="time", effect={"x": 0.0})], {"x": "X"})
    assert [(bar.label, bar.width, bar.direction) for bar in chart.bars] == [("All together", 0.0, "none")]
