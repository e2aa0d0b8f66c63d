import pytest

from model.errors import BadInputError
from model.schedule.actions import Burden
from model.schedule.policy import POLICIES, parse_policy, read_policy


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_policies_that_come_along_are_read_and_named_by_their_rule(path):
    assert read_policy(path).rule == path.stem


def test_what_is_left_out_has_a_default():
    policy = parse_policy('rule = "price"\nprice = 2.0\n', file="p.toml")
    assert (policy.shortest_interval_months, policy.longest_interval_months) == (3.0, None)
    assert policy.burden == Burden()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('rule = "price"', 'p.toml:1: price: rule "price" needs a price'),
        ('rule = "price"\nprice = 0.0', "p.toml:2: price: must be greater than 0"),
        ('rule = "target-delay"', 'p.toml:1: price: rule "target-delay" needs delay_months'),
        ('rule = "match-guideline"', 'p.toml:1: price: rule "match-guideline" needs the id of a guideline'),
        ('rule = "target-delay"\ndelay_months = 6.0\nprice = 1.0', 'rule "target-delay" has no price'),
        ('rule = "price"\nprice = 1.0\ndelay_months = 6.0', 'p.toml:3: delay_months: only with rule = "target-delay"'),
        ('rule = "price"\nprice = 1.0\nguideline = "x"', 'p.toml:3: guideline: only with rule = "match-guideline"'),
        (
            'rule = "price"\nprice = 1.0\nmost_shift = 1.0',
            'p.toml:3: most_shift: unknown key; did you mean "most_shift',
        ),
        (
            'rule = "price"\nprice = 1.0\nlongest_interval_months = 1.0',
            "p.toml:3: longest_interval_months: longest_interval_months must be at least shortest_interval_months",
        ),
        (
            'rule = "price"\nprice = 1.0\nmust_visit_months = [12.0, 13.0]',
            "p.toml:3: must_visit_months: must_visit_months must ascend, at least shortest_interval_months apart",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(text, problem):
    with pytest.raises(BadInputError) as caught:
        parse_policy(text, file="p.toml")
    assert problem in str(caught.value)
