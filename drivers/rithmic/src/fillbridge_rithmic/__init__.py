"""The driver for Rithmic."""
