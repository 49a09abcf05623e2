"""Ports for servers that a test starts.

Not from the range that the system hands to outgoing connections: there, any connection of any process
may take the port between the choice and the server's bind, and servers refuse a port that is taken."""
import random
import socket

RANGE = (10000, 32000)  # outgoing connections begin at 32768
DRAW = random.SystemRandom()  # tests that run side by side draw differently


def free_port():
    for _ in range(1000):
        port = DRAW.randrange(*RANGE)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError(f"no free port within {RANGE}")
