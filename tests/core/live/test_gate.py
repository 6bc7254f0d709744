"""The gate is as shut as the most severe of its causes."""

import itertools

import pytest

from fillbridge.live import Gate, GateState

STATES = list(GateState)


@pytest.fixture
def gate():
    return Gate()


def test_a_new_gate_is_open_and_objects_to_nothing(gate):
    assert gate.state is GateState.OPEN
    assert gate.objection("ES") is None
    assert gate.reasons() == ()


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(STATES[1:], 2)))
def test_the_most_severe_cause_decides(gate, one, other):
    gate.shut("a", one, "x")
    gate.shut("b", other, "y")
    assert gate.state is max(one, other, key=STATES.index)
    gate.lift("a")
    assert gate.state is other


@pytest.mark.parametrize("state", STATES[1:])
def test_only_an_open_gate_lets_an_entry_out_and_it_says_why(gate, state):
    gate.shut("a", state, "the moon is full")
    objection = gate.objection("ES")
    assert objection.check == "gate"
    assert objection.value == f"{state.value} (the moon is full)"


def test_a_cause_is_lifted_on_its_own(gate):
    gate.shut("a", GateState.HALTED, "x")
    gate.shut("b", GateState.RECOVERING, "y")
    assert gate.lift("b")
    assert gate.state is GateState.HALTED
    assert not gate.lift("b")
    assert gate.shuts("a")
    assert not gate.shuts("b")


def test_a_cause_may_become_more_or_less_severe(gate):
    gate.shut("a", GateState.HALTED, "x")
    assert gate.shut("a", GateState.REDUCE_ONLY, "x")
    assert gate.state is GateState.REDUCE_ONLY


def test_a_symbol_is_blocked_alone(gate):
    assert gate.block("ES", "unknown", "an order is lost")
    assert gate.state is GateState.OPEN
    assert gate.objection("ES").value == "an order is lost"
    assert gate.objection("NQ") is None


def test_a_symbol_stays_blocked_until_its_last_cause_is_gone(gate):
    gate.block("ES", "unknown", "x")
    gate.block("ES", "foreign", "y")
    assert gate.blocked("unknown") == {"ES"}
    assert gate.unblock("ES", "unknown")
    assert gate.blocked("unknown") == set()
    assert gate.objection("ES").value == "y"
    assert gate.unblock("ES", "foreign")
    assert gate.objection("ES") is None


def test_every_reason_is_told_those_of_symbols_last(gate):
    gate.block("ES", "unknown", "an order is lost")
    gate.shut("link", GateState.RECOVERING, "not connected")
    assert gate.reasons() == ("recovering: not connected", "ES: an order is lost")
    assert gate.objection("ES").value == "recovering (not connected); an order is lost"


def test_what_is_no_news_changes_nothing(gate):
    gate.shut("a", GateState.HALTED, "x")
    gate.block("ES", "b", "y")
    version = gate.version
    assert not gate.shut("a", GateState.HALTED, "x")
    assert not gate.shut("a", GateState.HALTED, "another reason")
    assert gate.reasons() == ("halted: another reason", "ES: y")
    assert not gate.block("ES", "b", "y")
    assert not gate.lift("other")
    assert not gate.unblock("ES", "other")
    assert not gate.unblock("NQ", "b")
    assert gate.version == version


@pytest.mark.parametrize(
    "change",
    [
        lambda gate: gate.shut("b", GateState.STANDBY, "z"),
        lambda gate: gate.shut("a", GateState.REDUCE_ONLY, "x"),
        lambda gate: gate.lift("a"),
        lambda gate: gate.block("ES", "b", "another reason"),
        lambda gate: gate.unblock("ES", "b"),
    ],
    ids=["shut", "state", "lift", "block", "unblock"],
)
def test_every_change_is_another_version(gate, change):
    gate.shut("a", GateState.HALTED, "x")
    gate.block("ES", "b", "y")
    version = gate.version
    assert change(gate)
    assert gate.version == version + 1
