"""Loopback ports for servers that cannot pick one themselves."""

import socket


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on right now; whoever binds it must be ready to try another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
