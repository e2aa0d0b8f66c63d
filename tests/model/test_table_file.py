import csv
import hashlib
import io
import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import BadInputError
from model.tables.table_file import find_table, read_table


def read_csv(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path)


def errors_of(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInputError) as caught:
        read_table(path)
    return list(map(str, caught.value.problems))


def write_parquet(tmp_path, table):
    pq.write_table(table, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_cells_stay_text_and_blank_is_missing(tmp_path):
    table = read_csv(tmp_path, 'a,b\n007,\n"",nan\n')
    assert table.frame["a"].tolist() == ["007", None]
    assert table.frame["b"].tolist() == [None, "nan"]
    assert table.line.tolist() == [2, 3]
    assert table.sha256 == hashlib.sha256((tmp_path / "t.csv").read_bytes()).hexdigest()


def test_blank_lines_hold_nobody_and_keep_the_count(tmp_path):
    table = read_csv(tmp_path, "a,b\n\n1,2\n,\n\n3,4\n\n\n")
    assert table.frame["a"].tolist() == ["1", "3"]
    assert table.line.tolist() == [3, 6]


def test_a_quoted_line_break_belongs_to_its_cell(tmp_path):
    table = read_csv(tmp_path, 'a,note\n1,"x\n\ny, ""z"""\n2,b\n')
    assert table.frame["note"].tolist() == ['x\n\ny, "z"', "b"]
    assert table.line.tolist() == [2, 5]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.text(alphabet='a1 ,"\n;é', max_size=5)] * 2).filter(lambda row: "".join(row).strip()),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_rows_come_back_as_they_were_written_with_their_lines(tmp_path_factory, rows, ending, mark):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=ending)
    writer.writerow(["a", "b"])
    lines = []
    for row in rows:
        lines.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    content = (b"\xef\xbb\xbf" if mark else b"") + text.getvalue().encode()
    table = read_csv(tmp_path_factory.mktemp("csv"), content)
    assert table.line.tolist() == lines
    # White space around a value never counts, so a file may end with it or not.
    read = table.frame.fillna("").map(str.strip).to_numpy().tolist()
    assert read == [[cell.strip() for cell in row] for row in rows]


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_other_line_ends_are_read_too(tmp_path, ending):
    table = read_csv(tmp_path, f"a,b{ending}1,2{ending}3,4{ending}")
    assert table.frame.to_numpy().tolist() == [["1", "2"], ["3", "4"]]
    assert table.line.tolist() == [2, 3]


def test_spaces_around_a_column_name_do_not_count(tmp_path):
    assert list(read_csv(tmp_path, "a, b ,c\n1,2,3\n").frame) == ["a", "b", "c"]


def test_every_row_of_the_wrong_length_is_named(tmp_path):
    assert errors_of(tmp_path, 'a,b\n1\n"2\n",3\n\n4,5,6\n') == [
        "t.csv:2: the row must have 2 comma-separated values, as the header has",
        "t.csv:6: the row must have 2 comma-separated values, as the header has",
    ]


def test_lines_are_right_in_a_file_that_is_read_in_several_blocks(tmp_path):
    rows = 1_200_000  # about 18 MB, more than one block
    content = "a,b\n" + "1234567,1234567\n" * rows + "1\n" + "1,2\n"
    assert errors_of(tmp_path, content) == [
        f"t.csv:{rows + 2}: the row must have 2 comma-separated values, as the header has"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "t.csv: the file is empty"),
        (" \r\n \n", "t.csv: the file is empty"),
        ("a;b\n1;2\n", "t.csv:1: columns are separated by semicolons; use commas"),
        ("a\tb\n1\t2\n", "t.csv:1: columns are separated by tabs; use commas"),
        ("\na,b\n1,2\n", "t.csv:1: the first line is blank; it must name the columns"),
        ("a,,b\n1,2,3\n", "t.csv:1: column 2 has no name"),
        ("a,b, a\n1,2,3\n", "t.csv:1: columns 1 and 3 have the same name"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "t.csv: not a UTF-8 text file (byte 0)"),
        (b"PK\x03\x04\x00\x00", "t.csv: a binary file, not a comma-separated table"),
        ("a,b\nMüller,2\n".encode("latin-1"), "t.csv: not a UTF-8 text file (byte 5)"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv: not a UTF-8 text file (byte 0)"),
        ("a" * 200_000 + "\n1\n", "t.csv: not a comma-separated table (a quote left open?)"),
    ],
)
def test_what_is_not_a_table_is_named_for_what_it_seems_to_be(tmp_path, content, message):
    assert errors_of(tmp_path, content) == [message]


def test_a_file_without_header_is_not_quoted_back(tmp_path):
    # The first line is then a patient's, whose values must not show.
    assert errors_of(tmp_path, "P-1,64,64\nP-2,70,1\n") == ["t.csv:1: columns 2 and 3 have the same name"]


def test_a_folder_has_one_table_of_a_name(tmp_path):
    assert find_table(tmp_path, "patients") is None
    (tmp_path / "patients.csv").write_text("a\n1\n")
    assert find_table(tmp_path, "patients") == tmp_path / "patients.csv"
    (tmp_path / "patients.parquet").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"patients: both patients\.csv and patients\.parquet: keep one"):
        find_table(tmp_path, "patients")


def test_parquet_columns_are_plain_however_they_were_stored(tmp_path):
    stored = pd.DataFrame({"id": ["x", "y"], "words": pd.Categorical(["R1", "R0"]), "number": [1.5, np.nan]})
    table = pa.Table.from_pandas(stored.set_index("id"))  # pandas keeps an index apart from the columns
    table = table.append_column("flag", pa.array([True, None])).append_column("bytes", pa.array([b"b", None]))
    read = read_table(write_parquet(tmp_path, table))
    assert set(read.frame) == {"id", "words", "number", "flag", "bytes"}
    assert read.frame["words"].tolist() == ["R1", "R0"]
    assert read.frame["bytes"].tolist() == ["b", None]
    np.testing.assert_array_equal(read.frame["flag"].to_numpy(), [1, np.nan])
    assert read.line.tolist() == [1, 2]


def test_parquet_columns_of_one_name_are_refused(tmp_path):
    path = write_parquet(tmp_path, pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
    assert errors_of(tmp_path, path.read_bytes(), "t.parquet") == [
        "t.parquet:1: columns 1 and 2 have the same name"
    ]  # fmt: skip


def test_a_damaged_parquet_file_is_refused_or_read_but_never_a_crash(tmp_path):
    content = write_parquet(tmp_path, pa.table({"a": ["x", "y"], "b": [1.0, 2.0]})).read_bytes()
    rng = random.Random(3)
    assert errors_of(tmp_path, content[:-8], "t.parquet") == ["t.parquet: not a readable parquet file"]
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        (tmp_path / "t.parquet").write_bytes(damaged)
        try:
            read_table(tmp_path / "t.parquet")
        except BadInputError:
            refused += 1
    assert refused > 50
