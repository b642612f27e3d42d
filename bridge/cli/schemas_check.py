"""``sfbridge schemas check``: does a schema follow earlier ones, by the Schema Registry's own rules, offline?"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option, print_json

if TYPE_CHECKING:
    from bridge.languages.compatibility import Source

HELP = "Check by the registry's rules whether schema B may follow A, offline. Exit code 1 where it may not."
EXAMPLE = (
    "sfbridge schemas check registered.avsc schemas/Order_Placed__e.avsc --level FULL\n"
    "  sfbridge schemas check v1.proto v2.proto v3.proto --level BACKWARD_TRANSITIVE"
)
_PROBLEM = re.compile(
    r"\{errorType:['\"](\w+)['\"], ?description:['\"](.*?)['\"]?(?:, additionalInfo:'.*)?\}", re.DOTALL
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Earlier schemas and the new one."""
    from bridge.languages.compatibility import DEFAULT_LEVEL, LEVELS

    what = "the earlier schemas, oldest first (.avsc, .schema.json, .proto)"
    parser.add_argument("earlier", type=Path, nargs="+", metavar="A", help=what)
    parser.add_argument("new", type=Path, metavar="B", help="the schema that is to follow")
    parser.add_argument(
        "--level",
        type=str.upper,
        choices=LEVELS,
        default=DEFAULT_LEVEL,
        metavar="LEVEL",
        help=f"{', '.join(LEVELS)} (default: {DEFAULT_LEVEL}); only the _TRANSITIVE ones look beyond the last A",
    )
    parser.add_argument(
        "--policy",
        type=str.upper,
        choices=("STRICT", "LENIENT"),
        default="STRICT",
        help="the registry's compatibilityPolicy, which concerns JSON Schema (default: STRICT)",
    )
    parser.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a schema that A and B refer to, by the name they use; those it needs come before it",
    )
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0: B may follow; 1: it may not."""
    from bridge.languages.compatibility import Earlier, incompatibilities

    imports = _references(args.reference)
    earlier = [Earlier(number, _source(path, imports)) for number, path in enumerate(args.earlier, start=1)]
    candidate = _source(args.new, imports)
    messages = incompatibilities(args.level, candidate, earlier, lenient=args.policy == "LENIENT")
    if args.output == "json":
        print_json({"is_compatible": not messages, "level": args.level, "messages": messages})
        return 1 if messages else 0
    if not messages:
        print(f"compatible ({args.level})")
        return 0
    print(f"not compatible ({args.level}): {args.new} may not follow {_against(messages, args.earlier)}")
    for message in messages:
        problem = _PROBLEM.fullmatch(message)
        if problem:
            print(f"  {problem[1]}: {problem[2]}")
        elif not message.startswith("{"):
            print(f"  {message}")
    return 1


def _against(messages: list[str], earlier: list[Path]) -> Path:
    numbers = [re.fullmatch(r"\{oldSchemaVersion: (\d+)\}", message) for message in messages]
    number = next((int(match[1]) for match in numbers if match), len(earlier))
    return earlier[number - 1]


def _references(given: list[str]) -> dict[str, str]:
    from bridge.cli.schemas_files import read
    from bridge.errors import ConfigurationError, Fault

    texts = {}
    for entry in given:
        name, separator, path = entry.partition("=")
        if not separator or not name or not path:
            raise ConfigurationError([Fault("--reference", f"is NAME=FILE, not {entry}")])
        texts[name] = read(Path(path))
    return texts


def _source(path: Path, imports: dict[str, str]) -> Source:
    """A schema file, read and found to be one. ConfigurationError naming the file."""
    from bridge.cli.schemas_files import read, type_of
    from bridge.errors import ConfigurationError, Fault
    from bridge.languages.compatibility import InvalidSchema, Source, validate

    text = read(path)
    kind = type_of(path, text)
    if kind is None:
        what = "is metadata, not a schema: make schemas of it with 'sfbridge schemas generate'"
        raise ConfigurationError([Fault(str(path), what)])
    source = Source(kind, text, imports)
    try:
        validate(source)
    except InvalidSchema as error:
        raise ConfigurationError([Fault(str(path), f"is no valid {kind} schema: {error}")]) from None
    return source
