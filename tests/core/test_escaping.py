"""What others wrote moves no cursor and begins no line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.escaping import printable, printable_json, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ES ½", "plain – ES ½"),
        ("a\nError: forged\r\tb", "a\\nError: forged\\r\\tb"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\x00\x08\x7f", "\\x00\\x08\\x7f"),
        ("one\u2028two\u2029\x85", "one\\u2028two\\u2029\\x85"),
        ("\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_spelled_out(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_what_is_shown_is_one_line_that_can_be_written(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in shown)
    shown.encode()
    assert printable(shown) == shown


def test_lines_stay_where_there_are_to_be_some():
    assert printable_lines("a\nb\x1b\r\nc") == "a\nb\\x1b\\r\nc"


@given(st.recursive(st.text() | st.integers(), lambda x: st.dictionaries(st.text(), x)))
def test_a_document_says_what_it_said(value):
    text = json.dumps(value, ensure_ascii=False, indent=2)
    shown = printable_json(text)
    assert json.loads(shown) == value
    assert "\x9b" not in shown
    assert "\u202e" not in shown
