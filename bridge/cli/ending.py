"""The last word of a command: its exit code, now that all is written, or is not."""

from __future__ import annotations

import errno
import sys

from bridge.cli.output import fail
from bridge.cli.streams import FOLLOWING, Stream


def unread(command: str) -> int:
    """The exit code of a command that ended because nobody reads it; ``concluded`` has the last word."""
    lost = sys.stdout.lost if isinstance(sys.stdout, Stream) else None
    if lost is None or lost.errno != errno.EPIPE or FOLLOWING.get(command, 0) == 0:
        return 0
    fail("nobody reads what is shown, so it ended early")
    return FOLLOWING[command]


def concluded(code: int) -> int:
    """The exit code: 1 instead of 0 where the output was lost, and a sentence then."""
    if not isinstance(sys.stdout, Stream):
        return code
    sys.stdout.followed = False
    sys.stdout.flush()
    sentence = sys.stdout.sentence()
    if sys.stdout.lost is not None:
        sys.stdout.give_up()
    if sentence is None or code:  # which has its own reason, and that is the last line
        return code
    fail(sentence)
    return 1
