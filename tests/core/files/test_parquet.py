"""Parquet files: the same rows as in CSV, and the types that are refused."""

import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import BadFile, bar_length_ns, read_bars, read_proposals, read_ticks
from fillbridge_hooks import BarData, TradeTick

pa = pytest.importorskip("pyarrow", reason="Parquet is read where pyarrow is installed")
pq = pytest.importorskip("pyarrow.parquet")
csv = pytest.importorskip("pyarrow.csv")

SECOND = 1_000_000_000
BAR = {"open": [2.0], "high": [3.0], "low": [1.0], "close": [2.0], "volume": [7.0]}


@pytest.fixture
def parquet(tmp_path):
    """Write columns into a Parquet file and answer its path."""

    def write(columns, name="data.parquet", **options):
        path = tmp_path / name
        pq.write_table(pa.table(columns), path, **options)
        return path

    return write


def bars_of(path, instrument_of):
    return list(read_bars(path, instrument_of, "ES"))


def fault_of(path, instrument_of):
    with pytest.raises(BadFile) as caught:
        bars_of(path, instrument_of)
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize("name", ["x.parquet", "x.pq", "X.PARQUET"])
def test_bars_of_integers_and_floats(parquet, instrument_of, name):
    path = parquet({"n": [1], "volume": [7], "ts": [60], **BAR} | {"high": [3]}, name)
    assert bars_of(path, instrument_of) == [BarData(60, 2.0, 3.0, 1.0, 2.0, 7.0, "ES")]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
def test_timestamps_of_any_unit_with_a_zone(parquet, instrument_of, unit, zone):
    ts = pa.array([1525699800 * SECOND], pa.int64()).cast(pa.timestamp("ns", zone))
    path = parquet({"ts": ts.cast(pa.timestamp(unit, zone)), **BAR})
    assert bars_of(path, instrument_of)[0].timestamp == 1525699800 * SECOND
    assert bar_length_ns(path) is None


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]
)
def test_text_is_read_as_in_csv(parquet, instrument_of, kind):
    columns = {"ts": ["1970-01-01T00:00:01Z"], "symbol": ["GC"], **BAR, "low": ["0.1"]}
    path = parquet(
        {
            name: pa.array(cells).cast(kind) if isinstance(cells[0], str) else cells
            for name, cells in columns.items()
        }
    )
    assert bars_of(path, instrument_of) == [BarData(SECOND, 2.0, 3.0, 0.1, 2.0, 7.0, "GC")]


def test_decimals_and_absent_symbols(parquet, instrument_of):
    columns = {**BAR, "ts": [60], "low": [Decimal("0.25")], "symbol": pa.nulls(1)}
    path = parquet(columns)
    assert bars_of(path, instrument_of) == [BarData(60, 2.0, 3.0, 0.25, 2.0, 7.0, "ES")]


def test_rows_are_numbered_through_row_groups_and_batches(parquet, instrument_of, monkeypatch):
    monkeypatch.setattr("fillbridge.files.parquet_rows._BATCH", 7)
    columns = {"ts": list(range(1, 31)), **{name: cell * 30 for name, cell in BAR.items()}}
    columns["close"] = [2.0] * 28 + [None, 2.0]
    path = parquet(columns, row_group_size=10)
    rule = ", row 29: close: expected a number, was None"
    assert fault_of(path, instrument_of) == rule


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"ts": pa.array([60], pa.timestamp("ns"))}, ": ts: expected {times}, was timestamp[ns]"),
        ({"ts": [60.0]}, ": ts: expected {times}, was double"),
        ({"ts": pa.array([1], pa.date32())}, ": ts: expected {times}, was date32[day]"),
        ({"volume": [True]}, ": volume: expected numbers or text, was bool"),
        ({"open": [[1.0]]}, ": open: expected numbers or text, was list<element: double>"),
        ({"ts": pa.array([None], pa.int64())}, ", row 1: ts: expected {numbers}, was None"),
        ({"open": [float("nan")]}, ", row 1: open: expected a finite number, was nan"),
        ({"low": [2.5]}, ", row 1: open: expected a price from low 2.5 to high 3.0, was 2.0"),
        ({"ts": pa.array([10**12], pa.timestamp("s", "UTC"))}, ": expected an intact Parquet file"),
    ],
)
def test_a_fault_is_named(parquet, instrument_of, columns, fault):
    numbers = "integer nanoseconds UTC or ISO 8601"
    times = "integer nanoseconds UTC, timestamps with a time zone or ISO 8601"
    path = parquet({"ts": [60], **BAR} | columns)
    expected = fault.format(numbers=numbers, times=times)
    assert fault_of(path, instrument_of).startswith(expected)


def test_a_missing_column_and_no_rows(parquet, instrument_of):
    path = parquet({"ts": [60], "open": [1]})
    assert fault_of(path, instrument_of) == (
        ": expected the columns ts, open, high, low, close, volume, "
        "was without high, low, close, volume (found: ts, open)"
    )
    path = parquet({"ts": pa.array([], pa.int64()), **{name: pa.nulls(0) for name in BAR}})
    assert fault_of(path, instrument_of) == ": expected at least one row, was none"


@pytest.mark.parametrize("data", [b"", b"ts,open\n", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_a_file_that_is_not_parquet(tmp_path, instrument_of, data):
    path = tmp_path / "x.parquet"
    path.write_bytes(data)
    assert fault_of(path, instrument_of).startswith(": expected an intact Parquet file, was not (")


def test_a_parquet_file_that_was_damaged(parquet, instrument_of):
    columns = {"ts": list(range(1, 5001)), **{name: cell * 5000 for name, cell in BAR.items()}}
    path = parquet(columns, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[10:2000] = bytes(1990)
    path.write_bytes(data)
    assert fault_of(path, instrument_of).startswith(": expected ")


def test_without_pyarrow_a_sentence_says_what_to_install(parquet, instrument_of, monkeypatch):
    path = parquet({"ts": [60], **BAR})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert fault_of(path, instrument_of) == (
        ": expected pyarrow, which reads Parquet: pip install 'fillbridge[parquet]'"
    )


def test_progress_ends_at_the_size_of_the_file(parquet, instrument_of):
    columns = {"ts": list(range(20_000)), **{name: cell * 20_000 for name, cell in BAR.items()}}
    path = parquet(columns)
    reported = []
    assert len(list(read_bars(path, instrument_of, "ES", reported.append))) == 20_000
    assert reported == sorted(reported)
    assert len(reported) == 3
    assert reported[-1] == path.stat().st_size


def test_ticks_and_proposals(parquet, instrument_of):
    path = parquet({"ts_event": [5], "price": [2.25], "size": [0], "side": ["B"]})
    assert list(read_ticks(path, instrument_of, "ES")) == [TradeTick(5, 2.25, 0.0, "ES", 0, "B")]
    path = parquet(
        {
            "proposal_id": [17, 18],
            "ts": [60, 61],
            "direction": ["LONG", "SHORT"],
            "position_size": [2.0, None],
            "stop_loss_ticks": [8.0, 8.0],
            "take_profit_ticks": [12, 12],
            "max_slippage": [None, 0.5],
        }
    )
    proposals = read_proposals(path)
    (row,) = proposals.rows
    assert (row.row, row.proposal.proposal_id, row.proposal.position_size) == (1, "17", 2)
    assert (row.proposal.stop_loss_ticks, row.proposal.take_profit_ticks) == (8, 12)
    (rejected,) = proposals.rejected
    assert (rejected.proposal_id, rejected.row) == ("18", 2)
    assert rejected.reason == "position_size: expected a number, was None"


@given(
    rows=st.lists(
        st.tuples(st.integers(1, 10**15), st.integers(-(10**6), 10**6), st.floats(0, 1e9)),
        min_size=1,
    )
)
def test_parquet_and_compressed_csv_give_the_bars_of_the_csv(tmp_path_factory, instrument_of, rows):
    folder = tmp_path_factory.mktemp("bars")
    lines, time_ns = ["ts,open,high,low,close,volume,symbol"], 0
    for step, ticks, volume in rows:
        time_ns += step
        price = ticks / 4
        lines.append(f"{time_ns},{price},{price + 0.5},{price - 0.25},{price},{volume!r},ES")
    (folder / "bars.csv").write_text("\n".join(lines))
    table = csv.read_csv(folder / "bars.csv")
    pq.write_table(table, folder / "bars.parquet")
    with pa.CompressedOutputStream(folder / "bars.csv.gz", "gzip") as compressed:
        csv.write_csv(table, compressed)
    expected = bars_of(folder / "bars.csv", instrument_of)
    assert len(expected) == len(rows)
    assert bars_of(folder / "bars.parquet", instrument_of) == expected
    assert bars_of(folder / "bars.csv.gz", instrument_of) == expected
