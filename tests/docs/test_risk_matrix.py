"""The table of the controls as a page, ``docs/risk.md``: what stands there is what runs.

After a change: ``uv run python tests/docs/test_risk_matrix.py --write``.
"""

import sys
from pathlib import Path
from typing import Any

from fillbridge_risk import CONTROLS, Control
from fillbridge_risk.settings import LIVE

PAGE = Path(__file__).parents[2] / "docs" / "risk.md"
COMMAND = "uv run python tests/docs/test_risk_matrix.py --write"
BEGIN = f"<!-- Written by `{COMMAND}`. -->\n"
END = "<!-- Until here. -->\n"
WITHOUT_DEFAULT = {"accounts": "`live_settings.account` alone"}
PATHS = {"max_open_positions": "performance.max_open_positions"}


def render() -> str:
    rows = [
        "| | control | in `risk_controls`: default in `live` | action | source | enforced |",
        "|---|---|---|---|---|---|",
        *map(render_row, CONTROLS),
        "",
        "Without data that nobody provides yet, so that this part of the control is idle:",
        "",
        *(f"- {control.number}: {control.lacks}." for control in CONTROLS if control.lacks),
    ]
    return "\n".join(rows) + "\n"


def render_row(control: Control) -> str:
    settings = "; ".join(f"`{PATHS.get(name, name)}`: {default(name)}" for name in control.settings)
    cells = (
        control.number,
        control.does,
        settings or "none",
        control.action,
        control.source,
        control.where,
    )
    return f"| {' | '.join(cells)} |"


def default(name: str) -> str:
    if name in WITHOUT_DEFAULT:
        return WITHOUT_DEFAULT[name]
    return shown(LIVE[name])


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,.10g}"
    if not value:
        return "none, so every entry is refused"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def parts() -> tuple[str, str, str]:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    return before, table, after


def test_the_page_has_the_table_of_the_controls():
    assert parts()[1] == render(), (
        f"the controls changed: if that is meant, write {PAGE.name} again with `{COMMAND}`"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        before, _, after = parts()
        PAGE.write_text(before + BEGIN + render() + END + after, encoding="utf-8")
    else:
        sys.exit(f"usage: {COMMAND}")
