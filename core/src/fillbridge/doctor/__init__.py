"""Examines whether this machine, this configuration and this account are fit to trade."""

from fillbridge.doctor.examination import examine
from fillbridge.doctor.findings import Finding, Status

__all__ = ("Finding", "Status", "examine")
