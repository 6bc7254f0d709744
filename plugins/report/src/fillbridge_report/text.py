"""Numbers and times as the report prints them: thousands separators, a true minus, UTC."""

from datetime import UTC, datetime

MISSING = "–"


def count_text(value: int) -> str:
    """``1,234``."""
    return f"{value:,}".replace("-", "−")


def money_text(cents: float) -> str:
    """``−1,234.50`` for -123450 cents."""
    text = f"{cents / 100:,.2f}".replace("-", "−")
    return "0.00" if text == "−0.00" else text


def share_text(share: float) -> str:
    """``12.3 %`` for 0.123."""
    return f"{share:.1%}".replace("%", " %")


def time_text(time_ns: int) -> str:
    """``2023-12-26 14:30`` for a time in ns UTC."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def trades_text(trades: int) -> str:
    """``1 trade``, ``1,234 trades``."""
    return f"{count_text(trades)} trade{'' if trades == 1 else 's'}"
