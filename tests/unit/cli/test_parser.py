"""Command lines: every help has an example that can be parsed; what is wrong gets one sentence."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator

import pytest

from bridge.cli import main as cli
from bridge.cli.parser import Parser

_DASHES = re.compile(r" \\\n\s+")


def parsers() -> Iterator[tuple[str, Parser]]:
    """Of every command, and of every action."""
    for name, (module, _) in cli.COMMANDS.items():
        yield from below(name, cli.command_parser(name, importlib.import_module(module)))


def below(name: str, parser: Parser) -> Iterator[tuple[str, Parser]]:
    yield name, parser
    for action, one in parser.actions():
        yield from below(f"{name} {action}", one)


PARSERS = list(parsers())


@pytest.mark.parametrize(("name", "parser"), PARSERS, ids=[name for name, _ in PARSERS])
def test_every_help_has_an_example_that_can_be_parsed(
    name: str, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = parser.format_help()
    examples = re.split(r"\nexamples?:\n", text)[1]
    assert _DASHES.sub(" ", examples).startswith(f"  sfbridge {name}")
    for line in _DASHES.sub(" ", examples).splitlines():
        command, *rest = shlex.split(line.partition(" > ")[0])[1:]
        module = importlib.import_module(cli.COMMANDS[command][0])
        cli.command_parser(command, module).parse_args(rest)
    assert not [line for line in text.splitlines() if len(line) > 60 and " " in line.strip()]


def test_options_are_not_abbreviated() -> None:
    with pytest.raises(SystemExit):
        cli.main(["consume", "orders", "--max", "3"])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("valdate", "there is no command 'valdate'; did you mean validate?"),
        ("xyz", "there is no command 'xyz'; there is init, run, try, "),
        ("keys verfy", "there is no action 'verfy'; did you mean verify?"),
        ("keys list --workr x", "there is no option --workr; did you mean --worker?"),
        ("consume t --max 3", "there is no option --max; did you mean --max-events?"),
        ("keys --worker w list", "--worker stands behind the action ('sfbridge keys list --worker …')"),
        ("keys list -o xml", "argument -o/--output: 'xml' is not a choice; there is table, json"),
        ("keys list more", "unexpected argument 'more'"),
        ("consume t --max-events many", "argument --max-events: 'many' is no whole number"),
        ("run", "the following arguments are required: CONNECTOR"),
        ("deadletters show c.json 17", "'17' is no PARTITION:OFFSET"),
        ("help nothing", "there is no command 'nothing'"),
    ],
)
def test_one_sentence_and_exit_2(line: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(line.split())
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert "--help' tells more)" in err


def test_help_of_an_action(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["help", "offsets", "set"], ["offsets", "set", "--help"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith("usage: sfbridge offsets set ")
    with pytest.raises(SystemExit):
        cli.main(["help"])
    assert capsys.readouterr().out.startswith("usage: sfbridge [-h]")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out.startswith("sfbridge 0.")


def test_the_type_of_subparsers_is_ours() -> None:
    assert all(
        isinstance(parser, Parser) and isinstance(parser, argparse.ArgumentParser) for _, parser in PARSERS
    )
