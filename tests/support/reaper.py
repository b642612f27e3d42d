"""Runs a command as a child and ends it when a watched process is gone: ``reaper.py PID COMMAND…``.

A broker shared by several test processes outlives the one that started it, and must not outlive the test run,
however that ends (SIGKILL included). The child's process id is the first line on standard output.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys


def main() -> int:
    watched, command = int(sys.argv[1]), sys.argv[2:]
    try:
        watched_fd = os.pidfd_open(watched)
    except ProcessLookupError:
        return 1
    log = os.dup(1)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, stderr=2) as child:
        os.write(log, f"{child.pid}\n".encode())
        os.close(log)
        poll = select.poll()
        poll.register(watched_fd, select.POLLIN)
        poll.register(os.pidfd_open(child.pid), select.POLLIN)
        if poll.poll()[0][0] == watched_fd:
            child.kill()
        return child.wait()


if __name__ == "__main__":
    sys.exit(main())
