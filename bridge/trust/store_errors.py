"""Why a store cannot be used: what the readers raise; who reads for a property makes an error of the bridge of it."""

from __future__ import annotations


class StoreError(ValueError):
    """A store cannot be used; the text is the end of a sentence and holds no secret."""


class KeystoreError(StoreError):
    """The same of a store with keys or a password; ``password`` if that is what to look at."""

    def __init__(self, message: str, password: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.password = password


WRONG_PASSWORD = "cannot be opened: the password is wrong, or it is damaged"  # noqa: S105 - a sentence
