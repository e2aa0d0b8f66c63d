import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.csl import convert
from model.errors import BadInputError
from model.study.definition import Study
from model.study.file import DEFAULT_STUDY, parse_study, read_study
from tests.model.builders import RICH
from tests.model.tables import SMALL, STUDY

HEADERS = [number for number, line in enumerate(STUDY.splitlines(), 1) if line.startswith("[")]
TOML_VALUES = [
    '"x"', '""', "-1", "0", "3.5", "1e308", "true", "inf", "nan", "[]", "{}", "[1]", '["a", "b"]', "[[1], {a = 2}]",
    "2024-01-01", "{recurrence = 1}", "{recurrence = {start = 0.1}}", "9" * 300, '"a\\nb"', '"\\u0000"',
]  # fmt: skip


def errors_of(text, file="s.toml"):
    with pytest.raises(BadInputError) as caught:
        parse_study(text, file=file)
    return [str(problem) for problem in caught.value.problems]


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


def swapped(old, new, text=STUDY):
    assert old in text
    return text.replace(old, new, 1)


def test_the_default_study_covers_what_the_literature_names():
    study = read_study(DEFAULT_STUDY)
    assert study.event_names == ("local", "nodal", "distant", "death")
    assert study.targets == (1, 2, 3)
    assert [study.found_by_test(cause) for cause in (1, 2, 3, 4)] == [True, True, True, False]
    assert len(study.test) == 7
    # Every published effect carries where it comes from, and whatever has none says why.
    for baseline in study.baseline:
        assert all(prior.source for priors in baseline.prior.values() for prior in priors)
        assert baseline.prior or baseline.no_prior


def test_years_become_months():
    study = read_study(Path(convert.__file__).parent / "csl.toml")
    assert study.landmark_months == tuple(6.0 * step for step in range(13))
    assert study.horizon_months == (12.0, 24.0, 36.0)


def test_days_become_months_of_30_4375_days():
    text = swapped("[12.0, 24.0]", "[365.25, 730.5]", swapped('"months"', '"days"'))
    text = swapped("landmark_every = 6.0", "landmark_every = 30.4375", swapped("until = 24.0", "until = 91.3125", text))
    study = parse_study(text, file="s.toml")
    assert study.landmark_months == pytest.approx((0, 1, 2, 3))
    assert study.horizon_months == pytest.approx((12, 24))


def test_a_single_prior_and_a_list_of_one_are_the_same():
    prior = '\nlog_hazard_ratio = 0.5\nsd = 0.2\nsource = "x"\n'
    table = swapped("[[marker]]", f"[baseline.prior.death]{prior}[[marker]]")
    listed = swapped("[[marker]]", f"[[baseline.prior.death]]{prior}[[marker]]")
    assert parse_study(table, file="s") == parse_study(listed, file="s") != SMALL


def test_all_mistakes_are_listed_at_once_in_the_order_of_the_file():
    text = swapped("[12.0, 24.0]", "[24.0, 12.0]")
    text = swapped("range = [18.0, 100.0]", "rnage = [18.0, 100.0]", text)
    text = swapped("range = [0.1, 100.0]", "range = [100.0, 0.1]", text)
    text = swapped('levels = ["R0", "R1", "R2"]', 'levels = ["R0", "R0"]', text)
    text = swapped('tiers = ["regional", "tertiary"]', 'tiers = ["regoinal"]', text)
    text = swapped("start = 0.7", "start = 1.7", text)
    assert errors_of(text) == [
        "s.toml:6: horizons: horizons must ascend, each once",
        's.toml:21: baseline[age].rnage: unknown key; did you mean "range"?',
        "s.toml:28: baseline[ki67].range: the range's lower end must be below its upper end",
        "s.toml:45: baseline[margin].levels: levels must be at least two, each once",
        "s.toml:69: test[mri].tiers[1]: must be 'primary', 'regional' or 'tertiary'",
        "s.toml:71: test[mri].sees.recurrence.start: must be less than or equal to 1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "misspelt"),
    [
        ("horizons", "horizon"),
        ("landmark_every", "landmark_evry"),
        ("half_time", "halftime"),
        ("levels", "level"),
        ("transform", "tranform"),
        ("observed", "observd"),
    ],
)
def test_a_misspelt_key_is_one_message_that_names_the_right_one(key, misspelt):
    text = swapped(f"\n{key} =", f"\n{misspelt} =")
    [message, *others] = [line for line in errors_of(text) if "needs levels" not in line]
    assert re.fullmatch(
        rf's\.toml:{line_of(text, misspelt)}: .*{misspelt}: unknown key; did you mean "{key}"\?', message
    )
    assert not others


def test_a_misspelt_table_is_found_at_its_line():
    text = swapped("[[marker]]", "[[markers]]")
    assert errors_of(text) == [f's.toml:{line_of(text, "[[markers]]")}: markers: unknown key; did you mean "marker"?']


@pytest.mark.parametrize("header", HEADERS)
def test_the_line_is_right_in_every_table(header):
    lines = STUDY.splitlines()
    text = "\n".join([*lines[:header], "# [[event]]", '"zz z" = 1', *lines[header:]])
    [message] = errors_of(text)
    assert message.startswith(f"s.toml:{header + 2}: ")
    assert message.endswith("zz z: unknown key")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "small"', 'name = "Small Study"',
         "s.toml:1: name: must start with a small letter and go on with small letters, digits or _"),
        ('title = "Small"', 'title = ""', "s.toml:2: title: must not be empty"),
        ('title = "Small"', f'title = "{"x" * 501}"', "s.toml:2: title: must have at most 500 characters"),
        ('title = "Small"', "title = 2024-01-01", "s.toml:2: title: must be text in quotes"),
        ('"months"', '"weeks"', "s.toml:3: time_unit: must be 'days', 'months' or 'years'"),
        ("landmark_every = 6.0", 'landmark_every = "6"', "s.toml:4: landmark_every: must be a number"),
        ("landmark_every = 6.0", "landmark_every = 0", "s.toml:4: landmark_every: must be greater than 0"),
        ("landmark_every = 6.0", "landmark_every = 0.001",
         "s.toml:5: landmark_until: more than 1000 landmarks: choose a wider landmark_every"),
        ("landmark_until = 24.0", "landmark_until = inf", "s.toml:5: landmark_until: must be a finite number"),
        ("[12.0, 24.0]", "[]", "s.toml:6: horizons: must have at least one entry"),
        ("[12.0, 24.0]", "12.0", "s.toml:6: horizons: must be a list"),
        ("[12.0, 24.0]", "[-1.0]", "s.toml:6: horizons[1]: must be greater than 0"),
        ("[12.0, 24.0]", "[36500.0]", "s.toml:6: horizons: more than 150 years: is time_unit right?"),
        ('role = "target"', 'role = "competing"',
         's.toml:10: event[recurrence].role: at least one event needs role = "target"'),
        ('name = "death"', 'name = "none"', 's.toml:14: event[none].name: the name "none" is taken'),
        ('name = "ratio"', 'name = "age"', 's.toml:33: baseline[age].name: the name "age" is taken'),
        ('name = "cga"', 'name = "landmark"', 's.toml:55: marker[landmark].name: the name "landmark" is taken'),
        ('name = "cga"', 'name = "ratio"', 's.toml:55: marker[ratio].name: the name "ratio" is taken'),
        ("required = true", "required = 1", "s.toml:23: baseline[age].required: must be true or false"),
        ("[0.1, 100.0]", "[0.1, 50.0, 100.0]",
         "s.toml:28: baseline[ki67].range: must be two numbers, the lower and the upper end"),
        ("[0.1, 100.0]", "[0.0, 100.0]",
         's.toml:29: baseline[ki67].transform: transform "log" needs a range above 0'),
        ('["R0", "R1", "R2"]', "[0, 1]",
         ("s.toml:45: baseline[margin].levels[1]: must be text in quotes\n"
          "s.toml:45: baseline[margin].levels[2]: must be text in quotes")),
        ('["R0", "R1", "R2"]', '["R0", " R1"]',
         "s.toml:45: baseline[margin].levels: a level is not blank, and neither starts nor ends with a space"),
        ('kind = "binary"', 'kind = "category"', 's.toml:37: baseline[invasion].levels: kind "category" needs levels'),
        ('kind = "ordinal"', 'kind = "binary"', 's.toml:51: baseline[grade].levels: kind "binary" has no levels'),
        ('kind = "ordinal"', 'kind = "ordinal"\nrange = [0.0, 1.0]',
         's.toml:50: baseline[grade].kind: kind "ordinal" has neither range nor transform'),
        ("[test.sees.recurrence]", "[test.sees.relapse]",
         's.toml:62: test[ct].sees.relapse: no [[event]] is named "relapse"'),
        ("max = 0.9\n", "max = 0.4\n",
         ("s.toml:64: test[ct].sees.recurrence.max: "
          "max must be above 0 and at least start: what grows is seen better")),
        ('tiers = ["regional", "tertiary"]', "tiers = []",
         "s.toml:69: test[mri].tiers: must have at least one entry"),
        ('tiers = ["regional", "tertiary"]', 'tiers = ["tertiary", "tertiary"]',
         "s.toml:69: test[mri].tiers: a tier is named once"),
        ('observed = "exact"', 'observed = "test"',
         's.toml:16: event[death].observed: observed = "test", but no [[test]] sees this event'),
    ],
)  # fmt: skip
def test_each_mistake_is_said_in_plain_words(old, new, message):
    assert "\n".join(errors_of(swapped(old, new))) == message


def test_severity_is_for_all_that_tests_find_or_for_none():
    spread = '[[event]]\nname = "spread"\nrole = "target"\nobserved = "test"\n'
    sees = "[test.sees.spread]\nstart = 0.3\nmax = 0.6\nhalf_time = 9.0\n"
    text = STUDY.replace("[[baseline]]", spread + "[[baseline]]", 1) + sees
    ordered = text.replace('name = "spread"\n', 'name = "spread"\nseverity = 2\n')
    line = line_of(ordered, "[[event]]")
    rule = "event[recurrence].severity: severity must be given for every event found by tests, or for none"
    assert errors_of(ordered) == [f"s.toml:{line}: {rule}"]
    both = ordered.replace('name = "recurrence"\n', 'name = "recurrence"\nseverity = 1\n')
    assert parse_study(both, file="s.toml").severity == (1, 0, 2)
    assert parse_study(text, file="s.toml").severity == (0, 0, 0)


def test_a_test_must_see_something():
    text = STUDY + '[[test]]\nname = "look"\nsees = {}\n'
    assert errors_of(text) == [f"s.toml:{line_of(text, 'sees = {}')}: test[look].sees: must have at least one entry"]


def test_one_table_where_several_may_stand_is_explained():
    text = "\n".join(STUDY.splitlines()[:7]) + '\n[event]\nname = "death"\nrole = "target"\nobserved = "exact"\n'
    assert errors_of(text) == ["s.toml:8: event: there may be several: write [[event]] with double brackets"]


@pytest.mark.parametrize(
    ("prior", "rule"),
    [
        ("", "a category's prior names one level other than the first (R1, R2)"),
        ('level = "R0"', "a category's prior names one level other than the first (R1, R2)"),
    ],
)
def test_a_prior_of_a_category_names_a_level(prior, rule):
    table = (
        f'[baseline.prior.death]\nlog_hazard_ratio = 1.0\nsd = 1.0\nsource = "x"\n{prior}\n[[baseline]]\nname = "grade"'
    )
    text = swapped('[[baseline]]\nname = "grade"', table)
    assert errors_of(text) == [f"s.toml:{line_of(text, '[baseline.prior')}: baseline[margin].prior.death: {rule}"]


def test_every_wrong_prior_of_a_variable_is_listed():
    prior = 'log_hazard_ratio = 1.0\nsd = 1.0\nsource = "x"\nlevel = "high"\n'
    text = swapped("[[marker]]", f"[baseline.prior.death]\n{prior}[baseline.prior.recurrence]\n{prior}[[marker]]")
    assert [line.split(": ", 1)[1] for line in errors_of(text)] == [
        'baseline[grade].prior.death: kind "ordinal" has one prior per event and no level',
        'baseline[grade].prior.recurrence: kind "ordinal" has one prior per event and no level',
    ]


def test_text_with_unusual_line_breaks_does_not_shift_lines():
    # TOML knows only the line feed; Python's splitlines also breaks at these.
    text = swapped('title = "Small"', 'title = """Sm\u2028a\x85ll\n# [[event]]\nhorizons = 3"""')
    assert errors_of(swapped("[18.0, 100.0]", "[100.0, 18.0]", text)) == [
        "s.toml:23: baseline[age].range: the range's lower end must be below its upper end"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "s.toml:1: not valid TOML: Invalid value"),
        ('name = "a"\nname = "b"\n', "s.toml:2: not valid TOML: Cannot overwrite a value"),
        ('name = "a', "s.toml:1: not valid TOML: Unterminated string"),
        (
            "a = " + "[" * 5000 + "]" * 5000,
            "s.toml: not a study file: nested too deeply, or a number of too many digits",
        ),
        ("a = " + "9" * 5000, "s.toml: not a study file: nested too deeply, or a number of too many digits"),
    ],
)
def test_what_is_not_a_study_at_all(text, message):
    assert errors_of(text) == [message]


def test_a_huge_file_is_refused_key_by_key():
    text = "\n".join(f"k{number} = {number}" for number in range(5000)) + "\n[a" + ".a" * 300 + "]\nb = 1\n"
    assert len(errors_of(text)) == 5001 + 7  # what is there, and what is required and is not


def test_a_name_with_a_line_break_stays_on_one_line():
    messages = errors_of(swapped('name = "ratio"', 'name = "ra\\ntio\\u001b[31m"'))
    assert len(messages) == 1
    assert messages[0].isprintable()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_a_value_is_replaced_by_the_answer_is_a_study_or_a_list_of_faults(data):
    lines = RICH.splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line]
    for number in data.draw(st.sets(st.sampled_from(keys), min_size=1, max_size=3)):
        lines[number] = lines[number].split(" = ")[0] + " = " + data.draw(st.sampled_from(TOML_VALUES))
    try:
        answer = parse_study("\n".join(lines), file="s.toml")
    except BadInputError as error:
        answer = error
    if isinstance(answer, BadInputError):
        assert answer.problems
        assert all(problem.line for problem in answer.problems)
        assert len(str(answer).splitlines()) == len(answer.problems)
    else:
        assert isinstance(answer, Study)


@pytest.mark.parametrize(
    ("content", "rule"),
    [(None, "no such study file"), (b"\xff\xfe\x00", "not a readable UTF-8 text file")],
)
def test_an_unreadable_study_file(tmp_path, content, rule):
    path = tmp_path / "s.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=rule):
        read_study(path)


def test_a_folder_is_not_a_study_file(tmp_path):
    with pytest.raises(BadInputError, match="not a readable UTF-8 text file"):
        read_study(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path):
    path = tmp_path / "s.toml"
    path.write_bytes(b"\xef\xbb\xbf" + STUDY.replace("\n", "\r\n").encode())
    assert read_study(path) == SMALL
    path.write_bytes(path.read_bytes().replace(b"kind = ", b"knid = ", 1))
    with pytest.raises(BadInputError, match=r's\.toml:20: baseline\[age\]\.knid: unknown key; did you mean "kind"\?'):
        read_study(path)
