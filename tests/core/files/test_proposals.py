"""Proposals from files: what is read, and one bad row never hides the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import BadFile, ProposalRow, RejectedProposal, read_proposals
from fillbridge_hooks import RiskProposal

REQUIRED = "proposal_id, ts, direction, position_size"
PRICE_PAIR = "stop_loss_price and take_profit_price"
TICK_PAIR = "stop_loss_ticks and take_profit_ticks"
PRICES = "proposal_id,ts,direction,position_size,stop_loss_price,take_profit_price"
TICKS = "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks"
BOTH = f"{PRICES},stop_loss_ticks,take_profit_ticks"
FOUND = "(found: proposal_id, ts)"


def test_protection_by_price_has_no_limits_unless_given(write):
    proposals = read_proposals(write(f"{PRICES}\na,60,LONG,2,99.5,101\n"))
    assert proposals.rejected == []
    assert proposals.rows == [
        ProposalRow(
            time_ns=60,
            row=2,
            proposal=RiskProposal(
                position_size=2,
                stop_loss_price=99.5,
                take_profit_price=101.0,
                direction="LONG",
                urgency="normal",
                max_slippage=None,
                timeout_seconds=None,
                proposal_id="a",
                decided_at_ns=60,
            ),
        )
    ]


def test_every_optional_column(write):
    header = f"{TICKS},symbol,urgency,max_slippage,timeout_seconds,strategy,note"
    path = write(f"{header}\n a ,1970-01-01T00:00:00Z, SHORT ,1,8,12, GC ,low,0.5,2.5,mean,x\n")
    assert read_proposals(path).rows[0].proposal == RiskProposal(
        position_size=1,
        direction="SHORT",
        urgency="low",
        max_slippage=0.5,
        timeout_seconds=2.5,
        proposal_id="a",
        symbol="GC",
        strategy="mean",
        decided_at_ns=0,
        stop_loss_ticks=8,
        take_profit_ticks=12,
    )


def test_an_empty_cell_is_an_absent_column(write):
    header = f"{TICKS},symbol,urgency,max_slippage,timeout_seconds,strategy"
    assert read_proposals(write(f"{header}\na,60,LONG,1,8,12,,,,, \n")) == read_proposals(
        write(f"{TICKS}\na,60,LONG,1,8,12\n")
    )


def test_each_row_may_choose_its_form_of_protection(write):
    path = write(f"{BOTH}\na,60,LONG,1,99,101,,\nb,61,LONG,1,,,8,12\n")
    first, second = (row.proposal for row in read_proposals(path).rows)
    assert (first.stop_loss_price, first.take_profit_price) == (99.0, 101.0)
    assert (first.stop_loss_ticks, first.take_profit_ticks) == (None, None)
    assert (second.stop_loss_price, second.take_profit_price) == (None, None)
    assert (second.stop_loss_ticks, second.take_profit_ticks) == (8, 12)


def test_rows_are_sorted_by_time_and_keep_their_order_within_one(write):
    path = write(f"{TICKS}\nc,9,LONG,1,8,12\nb,7,LONG,1,8,12\na,7,LONG,1,8,12\nd,5,LONG,1,8,12\n")
    rows = read_proposals(path).rows
    assert [(row.time_ns, row.proposal.proposal_id, row.row) for row in rows] == [
        (5, "d", 5),
        (7, "b", 3),
        (7, "a", 4),
        (9, "c", 2),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,,LONG,1,99,101,,", "ts: expected integer nanoseconds UTC or ISO 8601, was None"),
        (
            "x,2018-05-07T13:30,LONG,1,99,101,,",
            "ts: expected ISO 8601 with Z or an offset such as -05:00, was '2018-05-07T13:30'",
        ),
        ("x,60,UP,1,99,101,,", "direction: expected LONG or SHORT, was 'UP'"),
        ("x,60,long,1,99,101,,", "direction: expected LONG or SHORT, was 'long'"),
        ("x,60,,1,99,101,,", "direction: expected LONG or SHORT, was None"),
        ("x,60,LONG,0,99,101,,", "position_size: expected a whole number >= 1, was '0'"),
        ("x,60,LONG,-1,99,101,,", "position_size: expected a whole number >= 1, was '-1'"),
        ("x,60,LONG,1.5,99,101,,", "position_size: expected a whole number, was '1.5'"),
        ("x,60,LONG,one,99,101,,", "position_size: expected a number, was 'one'"),
        ("x,60,LONG,nan,99,101,,", "position_size: expected a finite number, was 'nan'"),
        ("x,60,LONG,1,nan,101,,", "stop_loss_price: expected a finite number, was 'nan'"),
        ("x,60,LONG,1,99,,,", "take_profit_price: expected a number, was None"),
        ("x,60,LONG,1,,,8,", "take_profit_ticks: expected a number, was None"),
        ("x,60,LONG,1,,,0,12", "stop_loss_ticks: expected a whole number >= 1, was '0'"),
        ("x,60,LONG,1,,,8,1.5", "take_profit_ticks: expected a whole number, was '1.5'"),
        ("x,60,LONG,1,,,,", "stop_loss_price: expected a price, or stop_loss_ticks, was None"),
        (
            "x,60,LONG,1,99,101,8,12",
            "stop_loss_ticks: expected an empty cell where prices are given, was '8'",
        ),
        (
            "x,60,LONG,1,99,,,12",
            "take_profit_ticks: expected an empty cell where prices are given, was '12'",
        ),
        (",60,LONG,1,99,101,,", "proposal_id: expected an id, was ''"),
        ("a,60,LONG,1,99,101,,", "proposal_id: expected an id that line 2 does not have, was 'a'"),
    ],
)
def test_a_bad_row_is_rejected_alone(write, row, reason):
    path = write(f"{BOTH}\na,60,LONG,1,99,101,,\n{row}\nb,60,LONG,1,99,101,,\n")
    proposals = read_proposals(path)
    assert [kept.proposal.proposal_id for kept in proposals.rows] == ["a", "b"]
    assert proposals.rejected == [
        RejectedProposal(proposal_id=row.partition(",")[0], row=3, reason=reason)
    ]


@pytest.mark.parametrize(
    ("column", "cell", "rule"),
    [
        ("urgency", "soon", "low or normal or high, was 'soon'"),
        ("max_slippage", "-0.5", "a number >= 0, was '-0.5'"),
        ("max_slippage", "nan", "a finite number, was 'nan'"),
        ("timeout_seconds", "-1", "a number >= 0, was '-1'"),
        ("timeout_seconds", "soon", "a number, was 'soon'"),
    ],
)
def test_a_bad_limit_is_rejected(write, column, cell, rule):
    proposals = read_proposals(write(f"{TICKS},{column}\na,60,LONG,1,8,12,{cell}\n"))
    assert proposals.rows == []
    assert [rejected.reason for rejected in proposals.rejected] == [f"{column}: expected {rule}"]


def test_an_id_counts_even_where_its_row_was_rejected(write):
    path = write(f"{TICKS}\na,60,LONG,0,8,12\na,60,LONG,1,8,12\n")
    assert [rejected.row for rejected in read_proposals(path).rejected] == [2, 3]


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        (
            "proposal_id,ts",
            f"expected the columns {REQUIRED}, was without direction, position_size {FOUND}",
        ),
        (REQUIRED, f"expected the columns {PRICE_PAIR}, or {TICK_PAIR}, was neither"),
        (f"{TICKS},stop_loss_price", f"expected both {PRICE_PAIR}, was stop_loss_price alone"),
        (f"{PRICES},take_profit_ticks", f"expected both {TICK_PAIR}, was take_profit_ticks alone"),
    ],
)
def test_a_file_without_the_columns_is_refused(write, header, rule):
    path = write(f"{header}\n{',' * header.count(',')}\n")
    with pytest.raises(BadFile) as caught:
        read_proposals(path)
    assert str(caught.value) == f"{path}: {rule}"


def test_a_row_that_was_cut_off_refuses_the_file(write):
    path = write(f"{TICKS}\na,60,LONG,1,8,12\nb,60,LO")
    with pytest.raises(BadFile, match="line 3: row: expected 6 values, was 3"):
        read_proposals(path)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 10**18),
            st.sampled_from(["LONG", "SHORT"]),
            st.integers(1, 10**6),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(1, 10**6),
            st.none() | st.floats(0, 1e9),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_was_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("proposals") / "proposals.csv"
    lines = [f"{BOTH},max_slippage"]
    expected = []
    for number, (time_ns, direction, size, price, ticks, limit) in enumerate(rows):
        by_price = number % 2
        protection = f"{price!r},{-price!r},," if by_price else f",,{ticks},{ticks + 1}"
        cell = "" if limit is None else repr(limit)
        lines.append(f"{number},{time_ns},{direction},{size},{protection},{cell}")
        proposal = RiskProposal(
            position_size=size,
            direction=direction,
            stop_loss_price=price if by_price else None,
            take_profit_price=-price if by_price else None,
            stop_loss_ticks=None if by_price else ticks,
            take_profit_ticks=None if by_price else ticks + 1,
            max_slippage=limit,
            timeout_seconds=None,
            proposal_id=str(number),
            decided_at_ns=time_ns,
        )
        expected.append(ProposalRow(time_ns=time_ns, row=number + 2, proposal=proposal))
    path.write_text("\n".join(lines))
    proposals = read_proposals(path)
    assert proposals.rejected == []
    assert proposals.rows == sorted(expected, key=lambda row: row.time_ns)
