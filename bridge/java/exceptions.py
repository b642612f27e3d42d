"""What goes wrong in a transform, by the name of the exception Kafka Connect would throw."""

from __future__ import annotations

from typing import Final

_CONNECT: Final = "org.apache.kafka.connect.errors."


class JavaError(Exception):
    """An error with the class and message of Kafka Connect's. ``vague``: the text is a Java machine's own.

    ``without_value``: the message for logs, where Connect's shows a field's value.
    """

    def __init__(
        self, java_class: str, message: str | None, *, vague: bool = False, without_value: str | None = None
    ) -> None:
        super().__init__(message)
        self.without_value = without_value
        self.java_class = java_class
        self.message = message
        self.vague = vague

    def of_field(self, name: str) -> JavaError:
        """The same, whose message for logs names the field that was worked on."""
        self.without_value = f"field {name}: {self.without_value or self.message or self.java_class}"
        return self


class InvalidConfig(JavaError):
    """A transform's settings are wrong (``ConfigException``)."""

    def __init__(self, message: str, *, vague: bool = False) -> None:
        super().__init__("org.apache.kafka.common.config.ConfigException", message, vague=vague)


def invalid(name: str, value: object, why: str, *, vague: bool = False) -> InvalidConfig:
    """ConfigException of a name, its value and a reason."""
    return InvalidConfig(f"Invalid value {shown(value)} for configuration {name}: {why}", vague=vague)


def shown(value: object) -> str:
    """A setting as Java prints it."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return str(value)


def data_error(message: str, *, vague: bool = False, without_value: str | None = None) -> JavaError:
    """DataException."""
    return JavaError(_CONNECT + "DataException", message, vague=vague, without_value=without_value)


def schema_builder_error(message: str) -> JavaError:
    """SchemaBuilderException."""
    return JavaError(_CONNECT + "SchemaBuilderException", message)


def connect_error(message: str) -> JavaError:
    """ConnectException."""
    return JavaError(_CONNECT + "ConnectException", message)


def illegal_argument(message: str, *, vague: bool = False) -> JavaError:
    """IllegalArgumentException."""
    return JavaError("java.lang.IllegalArgumentException", message, vague=vague)


def null_pointer(what: str) -> JavaError:
    """NullPointerException; ``what`` was null."""
    return JavaError("java.lang.NullPointerException", f"{what} is null", vague=True)
