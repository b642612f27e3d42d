"""Every command that pages and messages speak of is there, with action and options. Fences are run elsewhere."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bridge.cli.main import COMMANDS, build_parser, command_parser
from bridge.cli.parser import Parser, nearest
from tests.docs.pages import ROOT, pages
from tests.docs.test_troubleshooting import sentences

PAGES = (*pages(), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md")
_FENCES = re.compile(r"^```.*?^```$", re.M | re.S)
_INLINE = re.compile(r"`([^`]+)`")
_SAID = re.compile(r"\bsfbridge ((?:[a-z]+|--[a-z-]+)(?: (?:[a-z]+|--?[a-z-]+))*)")
_ACTION = re.compile(r"[a-z]+")
_PROSE = frozenset({"and", "alone", "does", "is", "says", "says,", "tells", "with", "writes"})


@cache
def parser_of(command: str) -> Parser:
    return command_parser(command, importlib.import_module(COMMANDS[command][0]))


def in_code(page: Path) -> Iterator[str]:
    """What stands in inline code and begins with a command of ours, without ``sfbridge``."""
    text = _FENCES.sub("", page.read_text("utf-8"))
    for match in _INLINE.finditer(text):
        for part in re.split(r" && | \| ", re.sub(r"\s+", " ", match[1])):
            ours = part.startswith("sfbridge ")
            words = part.removeprefix("sfbridge ")
            if ours or (words.split(" ")[0] in COMMANDS and " " in words):
                yield words


def actions_of(parser: Parser) -> dict[str, Parser]:
    """By name, aliases included."""
    groups = (one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return {name: one for choices in groups for name, one in choices.items()}


def wrong(text: str) -> str | None:
    """What is not there of a command line; None where all is."""
    command, *words = text.replace("\u2009", " ").split()
    if command.startswith("-"):
        return None if command.partition("=")[0] in build_parser()._option_string_actions else command
    if command not in COMMANDS:
        return None if not _ACTION.fullmatch(command) else f"there is no command {command}"
    parser = parser_of(command)
    actions = actions_of(parser)
    if actions and words and _ACTION.fullmatch(words[0]) and words[0] not in _PROSE:
        action = words.pop(0)
        if action not in actions:
            return f"{command} has no action {action}; nearest: {nearest(action, actions)}"
        parser, actions = actions[action], {}
    known = {option for one in (parser, *actions.values()) for option in one._option_string_actions}
    for word in words:
        option = word.strip("[](),.;:…'").partition("=")[0]
        if option.startswith("-") and option.strip("-") and option not in known:
            return f"{command} has no option {option}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_speak_of_commands_that_are_there(page: Path) -> None:
    faults = [f"{text}: {why}" for text in in_code(page) if (why := wrong(text)) is not None]
    assert not faults, "\n".join(faults)


def test_there_are_many() -> None:
    assert sum(1 for page in PAGES for _ in in_code(page)) > 150


def test_messages_speak_of_commands_that_are_there() -> None:
    said = {match[1] for text in sentences() for match in _SAID.finditer(text)}
    said -= {"in bash", "in fish", "in zsh"}  # heads of the scripts that complete
    assert len(said) > 50
    faults = [f"{text}: {why}" for text in sorted(said) if (why := wrong(text)) is not None]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "text", ["offsets list", "offset get orders", "validate --onlin", "keys verify --topics t", "--verson"]
)
def test_what_is_not_there_is_noticed(text: str) -> None:
    assert wrong(text) is not None
