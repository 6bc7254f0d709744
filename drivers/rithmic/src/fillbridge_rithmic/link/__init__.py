"""One connection to Rithmic: TLS, a websocket, one login, and what is asked over it."""
