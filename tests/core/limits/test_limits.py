"""Limits are tightened at once, and loosened by two operators alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.journal import Note
from fillbridge.limits import (
    LimitsRefused,
    changes,
    enforce,
    proposed_change,
    read_approvals,
    write_approval,
)
from fillbridge.limits.record import NOTE, PURPOSE
from fillbridge.operators import MAX_AGE_NS, public_line, sign
from fillbridge_hooks import ConfigurationError

NOW = 1_700_000_000_000_000_000


def new_key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


KEYS = {name: new_key() for name in ("ann", "bob", "eve")}
OPERATORS = {name: public_line(KEYS[name]) for name in ("ann", "bob")}


class Kept:
    """A journal of nothing but notes."""

    account = "a1"

    def __init__(self):
        self.kept = []

    def notes(self, kind):
        return reversed([one for one in self.kept if one.kind == kind])

    def note(self, kind, payload, now_ns):
        self.kept.append(Note(kind, payload, now_ns))

    def commit(self):
        """It is kept already."""

    @property
    def last(self):
        return self.kept[-1].payload


def content(profile="live", operators=OPERATORS, **limits):
    values = {f"risk_controls.{name}": value for name, value in limits.items()}
    return {"profile": profile, "limits": {**values, "live_settings.operators": operators}}


@pytest.fixture
def journal():
    made = Kept()
    enforce(made, content(max_position_size=5), (), "ann", NOW)
    return made


def start(journal, new, names=(), now_ns=NOW, keys=KEYS):
    note = next(journal.notes(NOTE), None)
    hashed = proposed_change("a1", note, new).hash
    approvals = [sign(PURPOSE, hashed, name, keys[name], NOW) for name in names]
    return enforce(journal, new, approvals, "ann", now_ns)


# Directions


@pytest.mark.parametrize(
    ("name", "old", "new", "is_looser"),
    [
        ("max_position_size", 5, 6, True),
        ("max_position_size", 5, 4, False),
        ("max_position_size", 5, None, True),
        ("max_position_size", None, 5, False),
        ("daily_loss_flatten", 2500.0, 2500.5, True),
        ("daily_loss_flatten", 2500.0, 100.0, False),
        ("min_stop_ticks", 4, 3, True),
        ("min_stop_ticks", 4, 5, False),
        ("cooling_off_s", 60.0, 30.0, True),
        ("self_trade", True, False, True),
        ("self_trade", False, True, False),
        ("self_trade", None, False, True),
        ("emergency_stop_enabled", True, False, True),
        ("symbols", ["ES"], ["ES", "NQ"], True),
        ("symbols", ["ES", "NQ"], ["NQ"], False),
        ("symbols", ["ES"], [], False),
        ("strategy_symbols", {"a": ["ES"]}, {"a": ["ES"], "b": ["ES"]}, True),
        ("strategy_symbols", {"a": ["ES"]}, {"a": ["ES", "NQ"]}, True),
        ("strategy_symbols", {"a": ["ES", "NQ"]}, {"a": ["ES"]}, False),
        ("trading_hours", "CMES", "other", True),
        ("trading_hours", None, "CMES", False),
        ("what_nobody_knows", 1, 2, True),
        ("what_nobody_knows", 2, 1, True),
        ("dead_man_s", 60.0, 90.0, True),
        ("dead_man_s", None, 90.0, False),
        ("dead_man_level", "cancel", "flatten", False),
        ("dead_man_level", "cancel", "pause", True),
    ],
)
def test_what_tightens_is_told_from_what_does_not(name, old, new, is_looser):
    (change,) = changes(content(**{name: old}), content(**{name: new}))
    assert change.is_looser == is_looser
    assert str(change).endswith("(looser)" if is_looser else "(tighter)")


@given(st.integers(1, 1_000), st.integers(1, 1_000))
def test_of_two_limits_one_way_is_looser_and_the_other_is_not(one, other):
    there = [found.is_looser for found in changes(content(max_a=one), content(max_a=other))]
    back = [found.is_looser for found in changes(content(max_a=other), content(max_a=one))]
    if one == other:
        assert there == back == []
    else:
        assert (there, back) in (([True], [False]), ([False], [True]))


def test_a_limit_that_is_no_longer_there_is_looser():
    (change,) = changes(content(max_a=1), content())
    assert change.is_looser
    (change,) = changes(content(), content(max_a=1))
    assert not change.is_looser


# The start


def test_the_first_limits_are_recorded(journal):
    assert journal.last["content"]["limits"]["risk_controls.max_position_size"] == 5
    assert journal.last["sequence"] == 1
    assert journal.last["approved_by"] == []


def test_the_same_limits_are_recorded_once(journal):
    assert start(journal, content(max_position_size=5)) == ()
    assert len(journal.kept) == 1


def test_tighter_limits_take_nobody(journal):
    (change,) = start(journal, content(max_position_size=4))
    assert (change.old, change.new) == (5, 4)
    assert journal.last["sequence"] == 2
    (recorded,) = journal.last["changes"]
    assert recorded["path"] == "risk_controls.max_position_size"


@pytest.mark.parametrize("names", [(), ("ann",), ("ann", "ann")])
def test_looser_limits_take_two_operators(journal, names):
    with pytest.raises(LimitsRefused, match=r"max_position_size: 5 -> 6 \(looser\)\. limits: expe"):
        start(journal, content(max_position_size=6), names)
    assert len(journal.kept) == 1


def test_two_operators_loosen_them_and_stand_in_the_record(journal):
    start(journal, content(max_position_size=6), ("ann", "bob"))
    assert journal.last["approved_by"] == ["ann", "bob"]
    assert journal.last["content"]["limits"]["risk_controls.max_position_size"] == 6


def test_one_loosening_among_tightenings_is_a_loosening(journal):
    with pytest.raises(LimitsRefused):
        start(journal, content(max_position_size=4, max_daily_trades=None, what=1))


def test_approvals_are_for_one_content(journal):
    note = next(journal.notes(NOTE))
    hashed = proposed_change("a1", note, content(max_position_size=6)).hash
    both = [sign(PURPOSE, hashed, name, KEYS[name], NOW) for name in ("ann", "bob")]
    with pytest.raises(LimitsRefused, match="what it was given for has changed"):
        enforce(journal, content(max_position_size=60), both, "ann", NOW)


def test_approvals_are_for_one_change_and_cannot_be_used_again(journal):
    note = next(journal.notes(NOTE))
    looser = content(max_position_size=6)
    hashed = proposed_change("a1", note, looser).hash
    both = [sign(PURPOSE, hashed, name, KEYS[name], NOW) for name in ("ann", "bob")]
    enforce(journal, looser, both, "ann", NOW)
    enforce(journal, content(max_position_size=5), (), "ann", NOW)
    with pytest.raises(LimitsRefused):
        enforce(journal, looser, both, "ann", NOW)


def test_approvals_are_for_one_account(journal):
    looser = content(max_position_size=6)
    other = proposed_change("a2", next(journal.notes(NOTE)), looser).hash
    both = [sign(PURPOSE, other, name, KEYS[name], NOW) for name in ("ann", "bob")]
    with pytest.raises(LimitsRefused):
        enforce(journal, looser, both, "ann", NOW)


def test_old_approvals_do_not_count(journal):
    with pytest.raises(LimitsRefused, match="15 minutes"):
        start(journal, content(max_position_size=6), ("ann", "bob"), NOW + MAX_AGE_NS + 1)


def test_whoever_writes_the_file_cannot_make_operators_of_their_own(journal):
    own = {**OPERATORS, "eve": public_line(KEYS["eve"])}
    with pytest.raises(LimitsRefused, match="'eve'"):
        start(journal, content(operators=own, max_position_size=6), ("ann", "eve"))
    stolen = {"ann": public_line(KEYS["eve"]), "bob": public_line(KEYS["eve"])}
    keys = {"ann": KEYS["eve"], "bob": KEYS["eve"]}
    with pytest.raises(LimitsRefused, match="signature"):
        start(journal, content(operators=stolen, max_position_size=6), ("ann", "bob"), keys=keys)


def test_the_first_operators_take_no_approval(journal):
    bare = Kept()
    enforce(bare, content(operators={}, max_a=1), (), "ann", NOW)
    enforce(bare, content(max_a=1), (), "ann", NOW)
    assert bare.last["content"]["limits"]["live_settings.operators"] == OPERATORS


def test_without_operators_nobody_loosens_them():
    bare = Kept()
    enforce(bare, content(operators={}, max_a=1), (), "ann", NOW)
    with pytest.raises(LimitsRefused, match="two configured operators"):
        enforce(bare, content(operators={}, max_a=2), (), "ann", NOW)


def test_the_profile_live_is_not_left_without_approval(journal):
    with pytest.raises(LimitsRefused, match=r'profile: "live" -> "plain" \(looser\)'):
        start(journal, content("plain", max_position_size=5))
    assert start(journal, content("plain", max_position_size=50), ("ann", "bob"))


def test_in_the_profile_plain_changes_are_recorded_without_approvals():
    plain = Kept()
    enforce(plain, content("plain", max_a=1), (), "ann", NOW)
    (change,) = enforce(plain, content("plain", max_a=9), (), "ann", NOW)
    assert change.is_looser
    assert plain.last["approved_by"] == []
    assert enforce(plain, content(max_a=9), (), "ann", NOW)


# The file of approvals


def test_approvals_wait_in_a_private_file(tmp_path):
    path = tmp_path / "a1.approvals"
    assert read_approvals(path) == ()
    made = [sign(PURPOSE, "0" * 64, name, KEYS[name], NOW) for name in ("ann", "bob")]
    for one in made:
        write_approval(path, one)
    assert read_approvals(path) == tuple(made)
    assert path.stat().st_mode & 0o777 == 0o600
    for _ in range(60):
        write_approval(path, made[0])
    assert len(read_approvals(path)) == 50


@pytest.mark.parametrize(("text", "mode"), [("nonsense", 0o600), ("[]", 0o644)])
def test_a_file_that_cannot_be_relied_on_is_refused(tmp_path, text, mode):
    path = tmp_path / "a1.approvals"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ConfigurationError):
        read_approvals(path)


def test_what_is_signed_is_all_of_the_change():
    old, new = content(max_a=1), content(max_a=2)
    note = Note(NOTE, {"content": old, "sequence": 4}, NOW)
    one = proposed_change("a1", note, new)
    others = [
        proposed_change("a2", note, new),
        proposed_change("a1", note, content(max_a=3)),
        proposed_change("a1", Note(NOTE, {"content": old, "sequence": 5}, NOW), new),
        proposed_change("a1", Note(NOTE, {"content": content(max_a=0), "sequence": 4}, NOW), new),
    ]
    assert len({found.hash for found in (one, *others)}) == 5
    assert one.sequence == 5
