"""The one error of every file that cannot be used."""

from pathlib import Path

from fillbridge_hooks.errors import FillbridgeError


class BadFile(FillbridgeError):
    """A file breaks a rule; ``str()`` reads ``PATH, line N: RULE``.

    ``row`` is the physical line of a CSV file, its header included, or the row of a Parquet file,
    counted from 1 (``unit`` says which); ``None`` where the rule concerns the whole file.
    """

    def __init__(self, path: Path, rule: str, row: int | None = None, unit: str = "line") -> None:
        super().__init__(path, rule, row, unit)
        self.path = path
        self.rule = rule
        self.row = row
        self.unit = unit

    def __str__(self) -> str:
        place = "" if self.row is None else f", {self.unit} {self.row}"
        return f"{self.path}{place}: {self.rule}"
