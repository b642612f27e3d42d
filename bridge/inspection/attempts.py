"""One thing tried outside, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from bridge.errors import BridgeError, ConfigurationError


@frozen
class Check:
    """One thing tried: its name, whether it went well (None: could not be told), and what was found."""

    name: str
    ok: bool | None
    message: str


def attempt(name: str, check: Callable[[], str]) -> Check:
    """The check's own sentence, or the error's."""
    try:
        return Check(name, True, check())
    except ConfigurationError as error:
        return Check(name, False, "; ".join(f"{fault.key}: {fault.message}" for fault in error.faults))
    except BridgeError as error:
        return Check(name, False, error.message)
