"""All places of the command line, as completion scripts need them: what may follow, and which options there are."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from bridge.cli.parser import Parser


@frozen
class Option:
    """One option. ``choices``: its values, where they are few; ``file``: its value is one."""

    names: tuple[str, ...]
    words: str
    takes_value: bool = False
    choices: tuple[str, ...] = ()
    file: bool = False


@frozen
class Node:
    """Where a command line has come to: a command, or an action of one. ``following``: word → its line of help."""

    path: tuple[str, ...]
    following: dict[str, str]
    options: tuple[Option, ...]
    choices: tuple[str, ...] = ()
    file: bool = False


def nodes() -> Iterator[Node]:
    """All places of the command line, the commands themselves first."""
    from bridge.cli.main import COMMANDS, build_parser, command_parser

    first = build_parser()
    yield Node((), {name: line for name, (_, line) in COMMANDS.items()}, tuple(_options(first)))
    for name, (module, _) in COMMANDS.items():
        parser = command_parser(name, importlib.import_module(module))
        if name == "help":
            yield Node((name,), {}, tuple(_options(parser)), tuple(COMMANDS))
        else:
            yield from _below((name,), parser)


def _below(path: tuple[str, ...], parser: Parser) -> Iterator[Node]:
    actions = parser.actions()
    following = {name: (one.description or "").split("; ")[0].rstrip(".") for name, one in actions}
    choices: list[str] = []
    file = False
    for action in parser._actions:
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction):
            choices += map(str, action.choices or ())
            file = file or _is_file(action)
    yield Node(path, following, tuple(_options(parser)), tuple(choices), file)
    for name, one in actions:
        yield from _below((*path, name), one)


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:
        if action.option_strings:
            yield Option(
                tuple(action.option_strings),
                _line(action),
                action.nargs != 0,
                tuple(map(str, action.choices or ())),
                _is_file(action),
            )


def _line(action: argparse.Action) -> str:
    """The beginning of its help."""
    return ((action.help or "").replace("%%", "%").split(";")[0].split(" (")[0]).strip()


def _is_file(action: Any) -> bool:
    return action.type is Path or action.metavar in ("CONNECTOR", "FILE", "NAME|FILE", "F", "DIR")
