"""Drives a gateway that is a process of its own: a socket, one line of JSON per request."""
