"""Ports of this machine."""

import random
import socket


def free_port() -> int:
    """A port that nobody uses, below those that systems hand out to clients.

    One of those could be taken while the server is stopped: even by a client that tries to reach it, and so comes to
    be connected with itself.
    """
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as trying:
            try:
                trying.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("none of a hundred ports is free")
