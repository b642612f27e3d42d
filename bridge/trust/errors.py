"""The one exception the keystore readers raise among themselves; ``keystore.load_keystore`` makes an error of
it."""

from __future__ import annotations


class KeystoreError(Exception):
    """Why a keystore cannot be used, as the end of a sentence; ``password`` if that is what to look at."""

    def __init__(self, message: str, password: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.password = password


WRONG_PASSWORD = "cannot be opened: the password is wrong, or it is damaged"  # noqa: S105 - a sentence
