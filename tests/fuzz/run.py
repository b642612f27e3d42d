"""One target, fed until the time is over."""

from __future__ import annotations

import faulthandler
import mmap
import resource
import sys
import time
import traceback
from random import Random
from typing import Final

from tests.fuzz import corpus
from tests.fuzz.mutate import mutant
from tests.fuzz.targets.base import Target

MEMORY: Final = 3 * 1024**3
MOST: Final = 400_000  # bytes of an input
MANY: Final = 8  # findings after which a target has had enough


class _Current:
    """The input that is worked on, in a file that outlives this process."""

    def __init__(self, name: str) -> None:
        path = corpus.current(name)
        path.write_bytes(bytes(MOST + 8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), MOST + 8)
        self._path = path

    def is_(self, raw: bytes) -> None:
        self._map[:8] = len(raw).to_bytes(8, "big")
        self._map[8 : 8 + len(raw)] = raw

    def nothing(self) -> None:
        self._map[:8] = bytes(8)

    def over(self) -> None:
        self._path.unlink(missing_ok=True)


def run(target: Target, seconds: float, seed: int) -> int:
    """0 when the target held, 3 when something was found."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seeds = [*target.seeds, *(path.read_bytes() for path in corpus.kept(target.name))]
    current, places, tried = _Current(target.name), set[str](), 0
    until = time.monotonic() + seconds

    def feed(raw: bytes) -> None:
        nonlocal tried
        tried += 1
        current.is_(raw)
        faulthandler.dump_traceback_later(target.seconds, exit=True)
        try:
            target.feed(raw)
        except target.allowed:
            pass
        except Exception as error:
            place = _place(error)
            if place not in places:
                places.add(place)
                print(f"{target.name}: {place}\n  {corpus.keep(target.name, raw)}", flush=True)
                traceback.print_exception(error, limit=-4, chain=False)
        finally:
            faulthandler.cancel_dump_traceback_later()
        current.nothing()

    rnd = Random(f"{target.name} {seed}")
    while time.monotonic() < until and len(places) < MANY:
        feed(mutant(rnd, seeds))
    current.over()
    print(f"{target.name}: {tried} inputs, {len(places)} findings", file=sys.stderr, flush=True)
    return 3 if places else 0


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = next((f for f in reversed(frames) if "/bridge/" in f.filename), frames[-1])
    return f"{type(error).__name__} at {ours.filename.rpartition('/bridge/')[2]}:{ours.lineno}"
