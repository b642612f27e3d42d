"""Free ports for servers of the tests."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

# Outside the range that outgoing connections take their ports from: a server that is down for a
# while must find its port free again.
_PORTS = range(20000, 32000)


def free_ports(names: Sequence[str]) -> dict[str, int]:
    """A free port for each name, below the range of outgoing connections."""
    found: dict[str, int] = {}
    while len(found) < len(names):
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found.values():
            found[names[len(found)]] = port
    return found
