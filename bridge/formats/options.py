"""The converter's settings as typed options. A setting a format does not know is none of its business here:
configuration has refused it already; what is known must be well-formed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.errors import ConfigurationError, Fatal, Fault, Stage


def flag(settings: Mapping[str, str], key: str, default: bool, *, converter: str = "value.converter") -> bool:
    """A boolean setting of a converter, in any case. ConfigurationError for anything but true and false."""
    text = settings.get(key)
    if text is None or text.strip() == "":
        return default
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ConfigurationError([Fault(f"{converter}.{key}", "must be true or false", text)])
    return word == "true"


def choice(settings: Mapping[str, str], key: str, values: tuple[str, ...], default: str) -> str:
    """One of ``values``, in any case. ConfigurationError for another."""
    text = settings.get(key) or default
    if text.strip().upper() not in values:
        raise ConfigurationError(
            [Fault(f"value.converter.{key}", f"must be one of {', '.join(values)}", text)]
        )
    return text.strip().upper()


def require(lacking: Sequence[str], registered: str) -> None:
    """Of ``latest.compatibility.strict``: Fatal(stage=SCHEMA) for fields that what is registered has not."""
    if lacking:
        raise Fatal(
            f"the registered {registered} has no field {', '.join(lacking)}, which the event has; "
            "register a version with it, or set value.converter.latest.compatibility.strict=false to drop it",
            stage=Stage.SCHEMA,
        )
