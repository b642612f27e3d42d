"""Questions to a person on a terminal; elsewhere every answer has to be an option."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence

from attrs import define, field

from bridge.errors import ConfigurationError, Fatal, Fault, Stage


@define
class Asking:
    """Takes what was given, else asks; collects what is missing where nobody can be asked."""

    person: bool = field(factory=lambda: sys.stdin.isatty())
    missing: list[Fault] = field(factory=list)

    def text(self, option: str, question: str, given: str | None, default: str = "") -> str:
        """One line. Without a person the default, or a fault where there is none."""
        if given is not None:
            return given
        if not self.person:
            if not default:
                self.missing.append(Fault(option, f"is required where there is no terminal: {question}"))
            return default
        shown = f" [{default}]" if default else ""
        answer = _line(f"{question}{shown}: ")
        return answer or default or self.text(option, question, None)

    def choice(
        self, option: str, question: str, given: str | None, choices: Sequence[str], default: str
    ) -> str:
        """One of several, by its number or its name."""
        if given is not None or not self.person:
            return given or default
        print(question, file=sys.stderr)
        for number, choice in enumerate(choices, 1):
            print(f"  {number}  {choice}", file=sys.stderr)
        while True:
            answer = _line(f"number or name [{default}]: ") or default
            if answer.isdigit() and 0 < int(answer) <= len(choices):
                return choices[int(answer) - 1]
            if answer in choices:
                return answer
            print(f"{answer!r} is not among them", file=sys.stderr)

    def secret(self, question: str) -> str:
        """A line that is not shown."""
        try:
            return getpass.getpass(f"{question}: ", stream=sys.stderr)
        except EOFError:
            raise _ended() from None

    def check(self) -> None:
        """ConfigurationError with everything that is missing."""
        if self.missing:
            raise ConfigurationError(self.missing)


def _line(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise _ended()
    return line.strip()


def _ended() -> Fatal:
    return Fatal("the input ended before the last question; nothing was written", stage=Stage.CONFIGURATION)
