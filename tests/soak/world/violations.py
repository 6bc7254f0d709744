"""What ends a run."""


class Violated(Exception):
    """An invariant does not hold."""
