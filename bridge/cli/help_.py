"""``sfbridge help``: the help of a command, or of one of its actions."""

from __future__ import annotations

import argparse

HELP = "Show what a command is for, and its options."
EXAMPLE = "sfbridge help offsets set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is asked about."""
    parser.add_argument("command", nargs="?", metavar="COMMAND")
    parser.add_argument("action", nargs="?", metavar="ACTION")


def run(args: argparse.Namespace) -> int:
    """Prints the help and ends with 0, or with 2 where there is no such command."""
    from bridge.cli.main import main

    return main([*(word for word in (args.command, args.action) if word), "--help"])
