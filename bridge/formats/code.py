"""Generated functions: lines of Python that stay readable, and the objects they refer to.

Everything that is the same for every event of a schema is decided once, while the lines are written; what is
left is straight-line code. ``source_of`` gives the text back, and tracebacks show it.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable
from typing import Any

from bridge.counts import CAREFUL_CONVERSIONS

_numbers = itertools.count(1)


class Code:
    """One function being written. Names given to ``use`` become the function's globals."""

    def __init__(self, name: str, parameters: str) -> None:
        self.name = name
        self._lines = [f"def {name}({parameters}):"]
        self._names: dict[str, Any] = {}
        self._depth = 1

    def use(self, value: Any, name: str) -> str:
        """The name under which the function knows ``value``; equal objects share one."""
        for candidate in itertools.chain([name], (f"{name}_{n}" for n in itertools.count(2))):
            if candidate not in self._names:
                self._names[candidate] = value
                return candidate
            if self._names[candidate] is value:
                return candidate
        raise AssertionError  # pragma: no cover - the chain is endless

    def line(self, text: str) -> None:
        """One line at the current depth."""
        self._lines.append("    " * self._depth + text)

    def decoded(self, decode: Callable[[Any], Any], payload: str = "data.payload") -> None:
        """The lines that make ``row`` and ``head`` of the event ``data``."""
        self.line(f"row = {self.use(decode, 'decode')}({payload})")
        self.line("head = data.event")

    def indent(self, text: str) -> None:
        """A line that opens a block."""
        self.line(text)
        self._depth += 1

    def dedent(self) -> None:
        """Close the block."""
        self._depth -= 1

    def fall_back(self, carefully: Callable[[Any], Any], parameter: str) -> None:
        """The end of a function whose lines stand in ``try``: whatever went wrong is done again by the complete way.

        That way gives the value, or the error in words. It is slow, so the exception's class is counted.
        """
        self.indent("except Exception as error:")
        self.line(f"{self.use(_count, 'count')}(error)")
        self.line(f"return {self.use(carefully, 'carefully')}({parameter})")

    def build(self) -> Callable[..., Any]:
        """Compile the function."""
        source = "\n".join(self._lines) + "\n"
        file = f"<{self.name} {next(_numbers)}>"
        exec(compile(source, file, "exec"), self._names)  # noqa: S102 - names are ours or checked identifiers
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        # Taken out of its own globals, so that it goes as soon as nobody has it, and its text with it.
        function: Callable[..., Any] = self._names.pop(self.name)
        function.__dict__["source"] = source
        weakref.finalize(function, linecache.cache.pop, file, None).atexit = False
        return function


def _count(error: Exception) -> None:
    CAREFUL_CONVERSIONS.add(type(error).__name__)


def source_of(function: Callable[..., Any]) -> str:
    """The text of a generated function; empty for any other."""
    return str(getattr(function, "source", ""))
