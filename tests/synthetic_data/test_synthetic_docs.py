"""docs/synthetic-data.md says what the code does."""

import re
from pathlib import Path

import pytest

import synthetic_data
from synthetic_data.guidelines import GUIDELINES
from synthetic_data.targets import TARGETS
from synthetic_data.variants import VARIANTS


@pytest.fixture(scope="module")
def text():
    return (Path(synthetic_data.__file__).parents[1] / "docs/synthetic-data.md").read_text(encoding="utf-8")


def test_the_data_dictionary_names_every_column(text, frames):
    columns = {name for frame in frames.values() for name in frame}
    assert {name for name in columns if f"`{name}`" not in text} == set()


def test_every_variant_and_guideline_is_listed(text):
    assert all(f"| `{name}` | {variant.about} |" in text for name, variant in VARIANTS.items())
    assert all(f"`{name}`" in text for name in GUIDELINES)


def test_the_target_table_has_each_target_with_its_band(text):
    for t in TARGETS:
        assert f"| {t.number} | {t.quantity} | {t.published} | {t.low:g} to {t.high:g} |" in text
    assert "18 targets; all within their bands." in text


def test_the_example_runs(text):
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].replace("patients=4000", "patients=200")
    space = {}
    exec(compile(example, "docs/synthetic-data.md", "exec"), space)
    assert space["delay"].shape == (200, 3)
    assert space["truth"].incidence.shape == (200, 3, 121)
