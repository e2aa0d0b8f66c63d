"""Every row of the catalogue of faults and bad input that has an answer today has a test that bears its name."""

import re
from pathlib import Path

# F33 to F35 are of cards and FHIR, which are not there yet; F40 is what browsers are asked in tests/browser.
ROWS = {f"f{number:02}" for number in (*range(1, 33), *range(36, 40), *range(41, 45))}


def test_every_row_has_a_test_of_its_name():
    texts = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
    named = {row for text in texts for row in re.findall(r"^def test_(f[0-9]{2})_", text, re.MULTILINE)}
    assert sorted(ROWS - named) == []
