"""``sfbridge schemas diff``: what changed between two schemas, and whom it breaks."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.cli.output import add_output_option, print_json

HELP = "Say in words what changed from A to B and whom it breaks. Exit code 1 where somebody is broken."
EXAMPLE = (
    "sfbridge schemas diff old/Order_Placed__e.avsc new/Order_Placed__e.avsc\n"
    "  sfbridge schemas diff main-checkout . --event Order_Placed__e"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two files or projects."""
    what = "a schema (.avsc, .schema.json, .proto), metadata in JSON, or an SFDX project"
    parser.add_argument("old", type=Path, metavar="A", help=what)
    parser.add_argument("new", type=Path, metavar="B", help="the same, as it is to be")
    parser.add_argument("--event", metavar="NAME", help="the event's API name, for SFDX projects")
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0: nobody is broken; 1: somebody is."""
    from bridge.cli.schemas_files import shape_of
    from bridge.errors import ConfigurationError, Fault
    from bridge.inspection.diff import changes

    old, new = shape_of(args.old, args.event), shape_of(args.new, args.event)
    if "EVENT" not in (old.form, new.form) and old.form != new.form:
        message = f"{args.old} is {old.form} and {args.new} is {new.form}; compare two of the same format"
        raise ConfigurationError([Fault("", message)])
    differences = changes(old, new)
    broken = [change for change in differences if change.breaking]
    if args.output == "json":
        listed = [
            {"path": c.path, "change": c.what, "breaks": c.breaks, "breaking": c.breaking}
            for c in differences
        ]
        print_json({"changes": listed, "breaking": bool(broken)})
        return 1 if broken else 0
    for change in differences:
        print(f"{change.what}\n    breaks {change.breaks}")
    if not differences:
        print("nothing changed")
    return 1 if broken else 0
