"""Where the generator and the model meet: in the tables, and nowhere else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import model
from model.errors import BadInputError
from model.study.file import DEFAULT_STUDY, parse_study, read_study
from model.tables.cohort import read_cohort
from synthetic_data.__main__ import main
from synthetic_data.parameters import MARKERS, TESTS
from synthetic_data.variants import VARIANTS


@pytest.fixture(scope="module")
def study():
    return read_study(Path(model.__file__).parent / "studies/rnet.toml")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_model_reads_every_variant_without_a_word(tmp_path, study, variant):
    assert main(["--variant", variant, "--patients", "400", "--out", str(tmp_path / "c")]) == 0
    cohort = read_cohort(tmp_path / "c", study)
    assert len(cohort) == 400
    assert cohort.warnings == ()
    assert cohort.about["synthetic"] is True


def test_the_study_and_the_generator_use_the_same_names(study):
    assert tuple(m.name for m in study.marker) == MARKERS
    assert {t.name for t in study.test} == set(TESTS)


def test_a_latent_quantity_smuggled_into_the_tables_is_refused(tmp_path, study):
    folder = tmp_path / "c"
    assert main(["--patients", "300", "--out", str(folder)]) == 0
    honest = read_cohort(folder, study)
    patients, truth = pd.read_csv(folder / "patients.csv"), pd.read_csv(folder / "truth.csv")
    patients["onset_nodal"] = truth["onset_nodal"]
    patients.to_csv(folder / "patients.csv", index=False)

    smuggled = read_cohort(folder, study)
    assert smuggled.warnings == ("patients.csv: onset_nodal: unknown column, ignored",)
    np.testing.assert_array_equal(smuggled.histories.baseline, honest.histories.baseline)


@pytest.mark.parametrize("latent", ["onset_nodal", "lesion_local", "death_time"])
def test_a_study_that_declares_a_latent_quantity_is_refused(latent):
    declared = f'\n[[baseline]]\nname = "{latent}"\nkind = "number"\ngroup = "imaging"\n'
    text = DEFAULT_STUDY.read_text(encoding="utf-8") + declared
    with pytest.raises(BadInputError, match=f"baseline.{latent}..name: a column of the truth table"):
        parse_study(text, file="smuggled.toml")
