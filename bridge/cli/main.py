"""``sfbridge``: finds the command, runs it, and turns every error of ours into one sentence and an exit code.

Exit codes: 0 done · 1 the bridge or a connector failed · 2 configuration or command line wrong ·
130/143 a second signal before the drain ended.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from bridge import __version__
from bridge.cli import streams
from bridge.cli.ending import concluded, unread
from bridge.cli.output import fail
from bridge.cli.parser import Parser, epilog

# Name, module, one line. The line stands here so that ``--help`` imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("bridge.cli.init", "make connector, worker and contract file: asks, tries the login"),
    "run": ("bridge.cli.run", "run connectors in this process"),
    "try": ("bridge.cli.try_", "the sandbox and a sample connector: see events flow in a minute"),
    "sandbox": ("bridge.cli.sandbox", "only the sandbox's servers: simulated org, registry, Kafka"),
    "validate": ("bridge.cli.validate", "check a connector's configuration, every fault at once"),
    "preview": ("bridge.cli.preview", "show what a connector would write; nothing is written"),
    "consume": ("bridge.cli.consume", "read committed records, decoded by their schema"),
    "compare": ("bridge.cli.compare", "two topics side by side: missing, double, out of order, different"),
    "schemas": ("bridge.cli.schemas", "generate, compare, register schemas; show what is tagged"),
    "keys": ("bridge.cli.keys", "keys of field encryption: create, rotate, rewrap, verify"),
    "migrate": ("bridge.cli.migrate", "make connector and worker files from an exported configuration"),
    "auth": ("bridge.cli.auth", "make a keystore for the JWT flow, or try a login"),
    "worker": ("bridge.cli.worker", "run many connectors, with others, behind REST APIs"),
    "health": ("bridge.cli.health", "whether a running worker is ready, as an exit code"),
    "connectors": ("bridge.cli.connectors", "list, create, apply, watch and stop connectors of a worker"),
    "offsets": ("bridge.cli.offsets", "read or move a connector's position"),
    "deadletters": ("bridge.cli.deadletters", "what was put aside, why, and again: list, show, replay"),
    "top": ("bridge.cli.top", "how all connectors are doing, looked at again and again"),
    "plugins": ("bridge.cli.plugins", "list the connector and describe its properties"),
    "completion": ("bridge.cli.completion", "a script that completes command lines: bash, zsh, fish"),
    "help": ("bridge.cli.help_", "what a command is for, and its options"),
    "version": ("bridge.cli.version", "the version, and those of what it runs on"),
}

EPILOG = """examples:
  sfbridge try
  sfbridge validate connector.json --worker worker.properties --online
  sfbridge run connector.json --worker worker.properties

'sfbridge COMMAND --help' tells more about a command."""


def build_parser() -> Parser:
    """The parser of the first word; each command's own arguments are read by its module."""
    parser = Parser(
        prog="sfbridge", description="Salesforce platform events into Apache Kafka.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"sfbridge {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, line) in COMMANDS.items():
        commands.add_parser(name, help=line, add_help=False)
    return parser


def command_parser(name: str, module: ModuleType) -> Parser:
    """The parser of one command, with the command's examples in its help."""
    examples = (line.strip() for line in module.EXAMPLE.splitlines())
    parser = Parser(prog=f"sfbridge {name}", description=module.HELP, epilog=epilog(*examples))
    module.add_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    streams.ready()
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
    except streams.UnwrittenError:
        code = unread(next(iter(argv or sys.argv[1:])))
    except SystemExit as ended:  # of the parser: help, or what it does not understand
        raise SystemExit(concluded(int(ended.code or 0))) from None
    return concluded(code)


def _main(arguments: list[str]) -> int:
    # Options of sfbridge itself and unknown words are the first parser's; a command's name ends its part.
    if not arguments or arguments[0] not in COMMANDS:
        build_parser().parse_args(arguments or ["--help"])
        return 2
    name = arguments[0]
    if name in streams.SERVICES:
        # here: only those drain; before the import, which takes longer than somebody who changed their mind
        from bridge.cli.signals import hold

        hold()
    module = importlib.import_module(COMMANDS[name][0])
    args = command_parser(name, module).parse_args(arguments[1:])
    streams.used_by(name)
    return run_command(module, args)


def run_command(module: ModuleType, args: argparse.Namespace) -> int:
    """Run the command; an error of ours becomes a sentence on stderr, anything else is a bug and shows itself."""
    from bridge.errors import BridgeError, ConfigurationError  # here: --help needs none

    try:
        code: int = module.run(args)
    except ConfigurationError as error:
        for fault in error.faults:
            fail(f"{fault.key}: {fault.message}" if fault.key else fault.message)
        return 2
    except BridgeError as error:
        fail(error.message)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
