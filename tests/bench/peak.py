"""Threads, files and memory of a process at one moment, and the most of them over a time."""

from __future__ import annotations

import threading
from pathlib import Path

from attrs import frozen

from tests.bench import measure


@frozen
class Look:
    """A process at one moment."""

    threads: int
    files: int
    mb: float

    @staticmethod
    def at(pid: int) -> Look:
        process = Path(f"/proc/{pid}")
        threads, files = (sum(1 for _ in (process / kind).iterdir()) for kind in ("task", "fd"))
        return Look(threads, files, measure.resident_mb(pid))

    def said(self) -> str:
        return f"{self.threads} threads, {self.files} files, {self.mb:.0f} MB"


class Peak(threading.Thread):
    """Looks ten times a second and keeps the most."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.over = pid, threading.Event()
        self.threads = self.files = 0

    def run(self) -> None:
        while not self.over.wait(0.1):
            look = Look.at(self.pid)
            self.threads, self.files = max(self.threads, look.threads), max(self.files, look.files)
