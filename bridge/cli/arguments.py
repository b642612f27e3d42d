"""What words of a command line mean, the same for every command. Each raises ``argparse.ArgumentTypeError``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bridge.errors import ConfigurationError
    from bridge.reading.stretch import Since


KMS_TYPES: Final = ("local-kms", "aws-kms", "azure-kms", "gcp-kms", "hcvault")
"""What ``encryption/kms`` has drivers for; here, because help imports none of it."""


def positive(text: str) -> int:
    """A whole number above zero."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def since(text: str) -> Since:
    """Where to begin in a topic: an offset, a time, or how long ago."""
    from bridge.reading.stretch import StillToComeError, since_of

    try:
        return since_of(text)
    except StillToComeError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no offset (1200), no time (2026-01-31T10:00:00Z) and no age (24h)"
        ) from None


def moment(text: str) -> int:
    """A time, or how long ago; ms since the epoch."""
    from bridge.reading.stretch import StillToComeError, time_of

    try:
        return time_of(text)
    except StillToComeError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
    except ValueError:
        raise _no_time(text) from None


def until(text: str) -> Since:
    """Where to end in a topic: a time, or how long ago."""
    from bridge.reading.stretch import until_of

    try:
        return until_of(text)
    except ValueError:
        raise _no_time(text) from None


def _no_time(text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text!r} is no time (2026-01-31T10:00:00Z) and no age (24h)")


def place(text: str) -> tuple[int, int]:
    """A record's partition and offset."""
    from bridge.reading.letters import place_of

    try:
        return place_of(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def blaming(error: ConfigurationError, options: Mapping[str, str]) -> ConfigurationError:
    """The same faults, of the options that the user gave and not of the properties that they stand for."""
    # here: only for what is wrong
    from attrs import evolve

    from bridge.errors import ConfigurationError

    return ConfigurationError([evolve(one, key=options.get(one.key, one.key)) for one in error.faults])


def seconds(text: str) -> float:
    """A time span: a number, 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """How a command that runs connectors logs."""
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="default: text")
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    parser.add_argument(
        "--log-level",
        choices=levels,
        default="INFO",
        metavar="LEVEL",
        help=f"{', '.join(levels)} (default: INFO)",
    )
