"""Pages taken apart: the fences, their commands, and what those are said to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen

ROOT = Path(__file__).resolve().parents[2]
SHELL, CONSOLE = "sh", "console"
_FENCE = re.compile(r"^```(.*)$")
_ANY = "…"


@frozen
class Command:
    """One command, where it stands, and the lines that it is said to print; None where the page does not say."""

    text: str
    line: int
    prints: tuple[str, ...] | None = None

    def explain(self, output: str, *, begins: bool = False) -> str | None:
        """Both, where the output is not as said; None where it is. ``begins``: more may follow."""
        if self.prints is None:
            return None
        lines = (*self.prints, _ANY) if begins else self.prints
        pattern = "".join(
            r"(?:.*\n)*?" if line.strip() == _ANY else _pattern(line) + r"[ \t]*\n" for line in lines
        )
        printed = output if output.endswith("\n") or not output else output + "\n"
        if re.fullmatch(pattern, printed):
            return None
        return "the page says:\n{}\nprinted is:\n{}".format("\n".join(self.prints), printed)


def _pattern(line: str) -> str:
    return ".*?".join(re.escape(part) for part in line.rstrip().split(_ANY))


@frozen
class Fence:
    """One fence: its language, the file that it is, its lines, the number of its first line, the section it is in."""

    language: str
    file: str
    lines: tuple[str, ...]
    line: int
    section: str = ""
    commands: tuple[Command, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        read = {SHELL: _of_shell, CONSOLE: _of_console}.get(self.language, lambda fence: iter(()))
        object.__setattr__(self, "commands", tuple(read(self)))

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((*self.lines, ""))


def pages() -> list[Path]:
    """README first, because it shows the files that other pages speak of."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fences(page: Path) -> list[Fence]:
    """The fences of a page, in order."""
    found: list[Fence] = []
    inside: tuple[str, int] | None = None
    lines: list[str] = []
    section = ""
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if match is None:
            if inside is not None:
                lines.append(line)
            elif line.startswith("## "):
                section = line.removeprefix("## ")
        elif inside is None:
            inside, lines = (match[1].strip(), number + 1), []
        else:
            language, _, file = inside[0].partition(" ")
            found.append(Fence(language, file.strip(), tuple(lines), inside[1], section))
            inside = None
    assert inside is None, f"{page.name} has a fence without an end"
    return found


def _of_shell(fence: Fence) -> Iterator[Command]:
    begun, at = "", 0
    for number, line in enumerate(fence.lines, fence.line):
        at = number if not begun else at
        begun += line
        if begun.endswith("\\"):
            begun = begun[:-1]
        else:
            text = re.split(r"(?:^|\s)#", begun)[0].strip()
            begun = ""
            if text:
                yield Command(re.sub(r"\s+", " ", text), at)
    assert not begun, f"line {at} goes on and has no next line"


def _of_console(fence: Fence) -> Iterator[Command]:
    text, at, prints = "", 0, list[str]()
    for number, line in enumerate((*fence.lines, "$ "), fence.line):
        if line.startswith("$ "):
            if text:
                yield Command(text, at, tuple(prints))
            text, at, prints = line[2:].strip(), number, []
        else:
            assert text, f"line {number} is printed by no command"
            prints.append(line)
