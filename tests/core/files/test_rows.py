"""What holds for every file: its name, its bytes, its header, its lines."""

import gzip

import pytest

from fillbridge.files import BadFile
from fillbridge.files.columns import Columns
from fillbridge.files.rows import open_rows

COLUMNS = Columns(("a", "b"), ("c",))
QUOTES = "comma-separated values, each quote closed on its line"


def rows_of(path, on_bytes=None):
    with open_rows(path, COLUMNS, on_bytes) as rows:
        return [(rows.number, *cells) for cells in rows.cells]


def fault_of(path):
    with pytest.raises(BadFile) as caught:
        rows_of(path)
    assert caught.value.path == path
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "X.CSV", "x.CSV.GZ"])
def test_columns_come_in_the_order_asked_for_with_their_line(write, name):
    path = write("z,b,a\n9,2,1\n8,4,3\n", name.replace("GZ", "gz"))
    assert rows_of(path) == [(2, "1", "2", ""), (3, "3", "4", "")]


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2,3\n4,5,6\n",
        "a,b,c\n1,2,3\n4,5,6",
        "a,b,c\r\n1,2,3\r\n4,5,6\r\n",
        "\ufeffa,b,c\n1,2,3\n4,5,6\n",
        " a ,b , c\n1,2,3\n4,5,6\n",
        '"a","b","c"\n"1",2,"3"\n4,5,6\n',
        "a,b,c\n1,2,3\n4,5,6\n\n \n",
    ],
    ids=["plain", "no last newline", "CRLF", "BOM", "spaces", "quotes", "blank lines at the end"],
)
def test_dialects(write, text):
    assert rows_of(write(text)) == [(2, "1", "2", "3"), (3, "4", "5", "6")]


def test_lines_are_counted_as_an_editor_counts_them(write):
    assert rows_of(write('a,b\n\n1,"2,x"\n\n3,4\n')) == [(3, "1", "2,x", ""), (5, "3", "4", "")]


def test_rows_longer_than_a_block_of_the_reader(write):
    cell = "x" * 70_000
    assert rows_of(write(f"a,b\n{cell},1\n{cell},2\n")) == [(2, cell, "1", ""), (3, cell, "2", "")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ": expected a header and rows, was an empty file"),
        ("a,b\n", ": expected at least one row, was none"),
        ("a,b\n\n", ": expected at least one row, was none"),
        ("a,x\n1,2\n", ": expected the columns a, b, was without b (found: a, x)"),
        ("a;b\n1;2\n", ": expected the columns a, b, was without a, b (found: a;b)"),
        ("a,b,c,b\n1,2,3,4\n", ": expected one column b, was 2"),
        ("a,b,c,c\n1,2,3,4\n", ": expected one column c, was 2"),
        ("a,b\n1,2\n3\n", ", line 3: row: expected 2 values, was 1"),
        ("a,b\n1,2,3\n", ", line 2: row: expected 2 values, was 3"),
        ('a,b\n1,"2\n', f", line 2: row: expected {QUOTES}, was '1,\"2'"),
        ('"a,b\n1,2\n', f", line 1: row: expected {QUOTES}, was '\"a,b'"),
    ],
)
def test_a_fault_of_the_text_is_named(write, text, fault):
    assert fault_of(write(text)) == fault
    assert fault_of(write(text, "data.csv.gz")) == fault


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["csv", "csv.gz"])
def test_bytes_that_are_no_text_are_found_in_their_line(tmp_path, compress):
    path = tmp_path / ("x.csv" if compress is bytes else "x.csv.gz")
    path.write_bytes(compress(b"a,b\n" + b"1,2\n" * 5000 + b"1,\xff\n"))
    assert fault_of(path) == ", line 5002: expected text in UTF-8, was byte 0xff"


def test_a_directory(tmp_path):
    assert fault_of(tmp_path) == ": expected a file, was a directory"
    (tmp_path / "x.csv").mkdir()
    assert fault_of(tmp_path / "x.csv") == ": expected a file, was a directory"


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.parquet"])
def test_a_missing_file(tmp_path, name):
    rule = ": expected a readable file, was not (No such file or directory)"
    assert fault_of(tmp_path / name) == rule


@pytest.mark.parametrize("name", ["x.txt", "x.gz", "x.xlsx", "csv"])
def test_a_name_that_says_nothing_known(write, name):
    assert fault_of(write("a,b\n1,2\n", name)) == (
        f": expected a name that ends in .csv, .csv.gz, .parquet, .pq, was {name}"
    )


def test_a_file_that_is_not_compressed(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(b"a,b\n1,2\n")
    rule = ": expected an intact gzip file, was corrupt (Not a gzipped file (b'a,'))"
    assert fault_of(path) == rule


def compressed_rows():
    return gzip.compress("".join(["a,b\n", *(f"{n},{n * n}\n" for n in range(5000))]).encode())


def test_a_compressed_file_that_was_cut_off(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(compressed_rows()[:-1000])
    assert fault_of(path) == ": expected a complete gzip file, was cut off"


@pytest.mark.parametrize("position", [2000, -6], ids=["in the data", "in the checksum"])
def test_a_corrupt_compressed_file(tmp_path, position):
    path = tmp_path / "x.csv.gz"
    data = bytearray(compressed_rows())
    data[position] ^= 0xFF
    path.write_bytes(data)
    assert fault_of(path).startswith(": expected an intact gzip file, was corrupt (")


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_progress_counts_the_bytes_on_disk(write, name):
    path = write("a,b\n" + "".join(f"{n},{n * n}\n" for n in range(50_000)), name)
    reported = []
    rows_of(path, reported.append)
    assert reported == sorted(reported)
    assert len(reported) > 3
    assert reported[-1] == path.stat().st_size


def test_an_error_of_bad_values_survives_a_copy(tmp_path):
    error = BadFile(tmp_path, "expected x", 3, "row")
    assert str(type(error)(*error.args)) == str(error) == f"{tmp_path}, row 3: expected x"
