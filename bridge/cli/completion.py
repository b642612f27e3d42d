"""``sfbridge completion``: a script that completes command lines in bash, zsh or fish.

The script holds all commands and options, so that completing starts no Python.
"""

from __future__ import annotations

import argparse

from bridge.cli import completion_scripts
from bridge.cli.completion_tree import nodes

HELP = (
    "Print a script that completes commands, actions, options and their values. bash: "
    "source <(sfbridge completion bash), in ~/.bashrc. zsh: source <(sfbridge completion zsh), in ~/.zshrc after "
    "compinit. fish: sfbridge completion fish | source, in ~/.config/fish/config.fish."
)
EXAMPLE = "sfbridge completion bash > sfbridge-completion.bash"
SHELLS = {
    "bash": completion_scripts.bash,
    "zsh": completion_scripts.zsh,
    "fish": completion_scripts.fish,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=tuple(SHELLS), metavar="bash|zsh|fish")


def run(args: argparse.Namespace) -> int:
    """Always 0."""
    print(SHELLS[args.shell](list(nodes())), end="")
    return 0
