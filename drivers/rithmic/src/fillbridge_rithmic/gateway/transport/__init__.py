"""Bytes between the gateway and its clients: TLS, websockets, and what can go wrong there."""
