"""What goes wrong because somebody wants it to: faults that are asked for, and seeded ones."""

from fillbridge_rithmic.gateway.faults.faults import Fault, Faults
from fillbridge_rithmic.gateway.faults.table import FAULTS

__all__ = ("FAULTS", "Fault", "Faults")
