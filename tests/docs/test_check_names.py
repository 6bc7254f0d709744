"""The pages call each check and control by the name that a refusal gives it."""

import re
from pathlib import Path

import pytest

import fillbridge_risk
from fillbridge_risk import CONTROLS

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
SOURCES = Path(fillbridge_risk.__file__).parent.glob("*.py")
NAMED = {
    name
    for source in SOURCES
    for name in re.findall(r'"(C\d+ \w+)"', source.read_text(encoding="utf-8"))
}
NUMBERS = {name: control.number for control in CONTROLS for name in control.settings}


def text_of(page):
    return page.read_text(encoding="utf-8")


def test_there_are_names():
    assert {"C9 max_position_size", "C34 anomaly_symbol", "C12 max_move_ticks"} <= NAMED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_name_with_a_number_is_one_that_a_check_gives(page):
    assert set(re.findall(r"`(C\d+ \w+)", text_of(page))) <= NAMED


def test_what_holds_is_named_as_a_hold_names_it():
    text = text_of(ROOT / "docs" / "fraud.md")
    rows = set(re.findall(r"^\| `([^`]*anomaly_\w+)` \|", text, re.MULTILINE))
    assert rows == {name for name in NAMED if "anomaly_" in name}
    assert {name for name in NAMED if name[:3] in ("C3 ", "C6 ")} <= set(
        re.findall(r"`(C\d+ \w+)`", text)
    )


def test_each_limit_stands_beside_the_number_of_its_control():
    text = text_of(ROOT / "docs" / "configuration.md")
    pattern = r"^\| `(?:risk_controls|performance)\.(\w+)` .*\| (C\d+): [^|]*\|$"
    assert dict(re.findall(pattern, text, re.MULTILINE)) == NUMBERS
