"""Closing and withdrawing by hand, where no handler runs or none is to be trusted."""
