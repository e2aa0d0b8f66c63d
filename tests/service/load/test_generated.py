"""What the campaign sends is drawn anew each time: spoiling one request leaves what the next is drawn from alone."""

from copy import deepcopy
from random import Random

from examples.service_load.generated import JUNK, _spoil


def test_what_is_spoiled_twice_can_be_sent_and_leaves_the_junk_as_it_was():
    rng, before = Random(1), deepcopy(JUNK)
    for _ in range(20_000):
        document = {"patient_ref": "P-1", "baseline": {"size_mm": 9}}
        for _ in range(3):
            _spoil(document, rng)
        assert depth(document) < 9
    assert repr(JUNK) == repr(before)  # NaN is not itself


def depth(document):
    if isinstance(document, dict):
        return 1 + max(map(depth, document.values()), default=0)
    return 1 + max(map(depth, document), default=0) if isinstance(document, list) else 0
