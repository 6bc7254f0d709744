"""Market data and proposals from files, closed trades into one."""

from fillbridge.files.bars import bar_length_ns, read_bars
from fillbridge.files.errors import BadFile
from fillbridge.files.events import EventKind, SimulationEvent, merge_events
from fillbridge.files.proposal_lines import read_proposal_lines
from fillbridge.files.proposals import (
    ProposalFile,
    ProposalRow,
    RejectedProposal,
    read_proposals,
)
from fillbridge.files.quotes import read_quotes
from fillbridge.files.rows import ROW_ENDINGS
from fillbridge.files.ticks import read_ticks
from fillbridge.files.trades_csv import TRADE_COLUMNS, TradeWriter

__all__ = (
    "BadFile",
    "EventKind",
    "ProposalFile",
    "ProposalRow",
    "ROW_ENDINGS",
    "RejectedProposal",
    "SimulationEvent",
    "TRADE_COLUMNS",
    "TradeWriter",
    "bar_length_ns",
    "merge_events",
    "read_bars",
    "read_proposal_lines",
    "read_proposals",
    "read_quotes",
    "read_ticks",
)
