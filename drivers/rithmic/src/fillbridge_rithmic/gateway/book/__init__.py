"""The matching book: orders, brackets, fills and positions. No I/O and no clock of its own."""
