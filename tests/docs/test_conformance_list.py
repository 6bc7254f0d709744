"""The requirements of the kits as a page, ``docs/conformance.md``.

After a change: ``uv run python tests/docs/test_conformance_list.py --write``.
"""

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from fillbridge_hooks.testing import (
    COST_REQUIREMENTS,
    DRIVER_REQUIREMENTS,
    RISK_REQUIREMENTS,
    Requirement,
)

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
COMMAND = "uv run python tests/docs/test_conformance_list.py --write"
HEADER = f"""\
# Conformance

What the kits of `fillbridge_hooks.testing` demand. An id never changes its meaning. A requirement
with *needs* is skipped where these are not declared; one without applies to all. The docstring of
each test says what to do when it fails.

Written by `{COMMAND}`.
"""
KITS: dict[str, tuple[Requirement[Any], ...]] = {
    "Drivers: `DriverConformance`": DRIVER_REQUIREMENTS,
    "Cost models: `CostModelConformance`": COST_REQUIREMENTS,
    "Risk checks: `RiskCheckConformance`": RISK_REQUIREMENTS,
}


def render() -> str:
    parts = [HEADER]
    for title, requirements in KITS.items():
        core = sum(not requirement.needs for requirement in requirements)
        parts.append(f"## {title}\n\n{len(requirements)} requirements, {core} without needs.\n")
        for group, members in groupby(requirements, key=lambda requirement: requirement.group):
            parts.append(f"### {group.capitalize()}\n\n{render_rows(members)}")
    return "\n".join(parts)


def render_rows(requirements: Iterable[Requirement[Any]]) -> str:
    rows = ["| id | demands | needs |", "|---|---|---|"]
    for requirement in requirements:
        needs = ", ".join(f"`{need}`" for need in requirement.needs)
        demand = requirement.demand.replace("``", "`")
        rows.append(f"| {requirement.id} | {demand} | {needs} |")
    return "\n".join(rows) + "\n"


def test_the_page_lists_what_the_kits_demand():
    assert PAGE.read_text(encoding="utf-8") == render(), (
        f"the requirements changed: if that is meant, write {PAGE.name} again with `{COMMAND}`"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(render(), encoding="utf-8")
    else:
        sys.exit(f"usage: {COMMAND}")
