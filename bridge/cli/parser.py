"""The parser of command lines: no abbreviations, what was probably meant, examples, help that folds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from bridge.cli.terminal import folded, folded_command


class Help(argparse.HelpFormatter):
    """Paragraphs are folded to the terminal; lines that are indented are commands, and stay ones that can be pasted."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines: list[str] = []
        for line in text.splitlines():
            lines += [folded_command(line, width)] if line.startswith(" ") else folded(line, width)
        return "\n".join(indent + line for line in lines)

    def _format_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None) -> str:
        """Of options that do not fit into a narrow terminal only that there are some: they are listed below."""
        text = super()._format_usage(usage, actions, groups, prefix)
        if max(map(len, text.splitlines()), default=0) <= self._width:
            return text
        words = (str(one.metavar or one.dest) for one in actions if not one.option_strings)
        return "\n".join(folded(" ".join([f"usage: {self._prog} [OPTIONS]", *words]), self._width)) + "\n\n"

    def add_argument(self, action: argparse.Action) -> None:
        """The library forgets that the names of commands are indented, and breaks the longest."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """Ends the process with exit code 2 and one sentence for what cannot be understood."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": Help, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """One sentence, and where there is more."""
        self.exit(2, f"{self.prog}: {message} ('{self.prog} --help' tells more)\n")

    def parse_known_args(  # type: ignore[override]  # as the library calls it, for one kind of namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """There is nothing unknown that could be left over."""
        words = list(sys.argv[1:] if args is None else args)
        strange = bool(words) and words[0].startswith("-") and words[0] not in self._option_string_actions
        if strange and self.actions():  # else its value would be taken for an action
            self.error(self._unknown(words[:1]))
        values, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(self._unknown(rest))
        return values, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        near = nearest(str(value), choices)
        meant = f"did you mean {near}?" if near else f"there is {', '.join(choices)}"
        if isinstance(action, argparse._SubParsersAction):
            what = str(action.metavar or "command").lower()
            raise argparse.ArgumentError(None, f"there is no {what} {value!r}; {meant}")
        raise argparse.ArgumentError(action, f"{value!r} is not a choice; {meant}")

    def _unknown(self, rest: Sequence[str]) -> str:
        option = next((word.partition("=")[0] for word in rest if word.startswith("-")), None)
        if option is None:
            return f"unexpected argument {rest[0]!r}"
        later = [name for name, one in self.actions() if option in one._option_string_actions]
        if later:
            return f"the option {option} stands behind the action ('{self.prog} {later[0]} {option} …')"
        near = nearest(option, self._option_string_actions)
        return f"there is no option {option}" + (f"; did you mean {near}?" if near else "")

    def actions(self) -> list[tuple[str, Parser]]:
        """The parsers of the actions below this one, without aliases."""
        parsers: dict[int, tuple[str, Parser]] = {}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, parser in action.choices.items():
                    parsers.setdefault(id(parser), (name, parser))
        return list(parsers.values())


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """What was probably meant: what begins so, or is spelt nearly so."""
    # here: only for what is wrong
    from difflib import get_close_matches

    listed = list(choices)
    begins = [choice for choice in listed if len(word.lstrip("-")) > 1 and choice.startswith(word)]
    return next(iter([*begins, *get_close_matches(word, listed, n=1, cutoff=0.6)]), None)


def add_action(
    commands: Any, name: str, words: str, *examples: str, aliases: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """An action of a command: a line of help, and examples without ``sfbridge``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        aliases=list(aliases),
        help=words,
        description=words[:1].upper() + words[1:].removesuffix(".") + ".",
        epilog=epilog(*(f"sfbridge {example}" for example in examples)),
    )
    return parser


def epilog(*examples: str) -> str:
    """The end of a help text."""
    return "\n".join([f"example{'s' if len(examples) > 1 else ''}:", *(f"  {line}" for line in examples)])
