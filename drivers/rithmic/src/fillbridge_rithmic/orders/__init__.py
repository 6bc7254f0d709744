"""Orders at Rithmic as pure functions and states: nothing here reads a clock or a socket."""
