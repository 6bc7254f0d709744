"""The engine: what follows from each input, and how each event changes the state.

Pure: no clock, no input or output, no randomness, no waiting. The same engine runs live, in a
simulation and when a journal is read back.
"""

from fillbridge.engine.decide import decide
from fillbridge.engine.fold import fold
from fillbridge.engine.state import EngineState

__all__ = ("EngineState", "decide", "fold")
