"""What can be started and stopped is a context manager, too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Running(ABC):
    """``with X() as x``: started at its beginning, stopped at its end."""

    @abstractmethod
    def start(self) -> None:
        """Begin; each server says what that means for it."""

    @abstractmethod
    def stop(self) -> None:
        """End; likewise."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
