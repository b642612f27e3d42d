"""Asking before something is lost: a person on a terminal, else ``--yes``."""

from __future__ import annotations

import argparse
import sys

from bridge.errors import ConfigurationError, Fatal, Fault, Stage


def add_yes_option(parser: argparse.ArgumentParser) -> None:
    """``--yes``, for scripts."""
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")


def confirm(args: argparse.Namespace, loss: str) -> None:
    """Return if that is wanted. ``loss``: what is lost, a sentence without an end. ConfigurationError where nobody can
    be asked, Fatal where the answer is no."""
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError([Fault("--yes", f"is needed where there is no terminal to ask on: {loss}")])
    print(f"{loss}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Fatal("nothing was changed", stage=Stage.CONFIGURATION)
