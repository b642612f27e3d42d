"""Errors as the registry answers them: ``{"error_code", "message"}``, the HTTP status being the code's first digits."""

from __future__ import annotations


class RegistryError(Exception):
    """An error answer. Codes of five digits are the registry's own, of three plain HTTP."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(str(self.code)[:3])


class BareError(RegistryError):
    """An error of the way to the operation (path, method, context); answered without a content type."""


def no_subject(subject: object) -> RegistryError:
    """40401."""
    return RegistryError(40401, f"Subject '{subject}' not found.")


def no_version(version: int) -> RegistryError:
    """40402."""
    return RegistryError(40402, f"Version {version} not found.")


def no_schema(what: object = "") -> RegistryError:
    """40403."""
    return RegistryError(40403, f"Schema {what} not found".replace("  ", " "))


def invalid_schema(message: str) -> RegistryError:
    """42201."""
    return RegistryError(42201, message)


def server_fault() -> RegistryError:
    """A fault of the server itself: where it has one, so has this one."""
    return RegistryError(500, "Internal Server Error")


def not_permitted(message: str) -> RegistryError:
    """42205."""
    return RegistryError(42205, message)


class Unfit(ValueError):
    """A schema that can be read and is refused all the same; the text says why."""


class UnknownEntity(ValueError):
    """Tags are to be changed of what is not in the schema."""
