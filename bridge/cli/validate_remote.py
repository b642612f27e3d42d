"""``sfbridge validate --url``: the judgement of a running worker, shown like our own."""

from __future__ import annotations

import argparse
import sys
from typing import Any
from urllib.parse import quote

from bridge.cli.judged import print_judged
from bridge.cli.output import fail, print_json
from bridge.cli.worker_client import WorkerClient
from bridge.errors import ConfigurationError, Fault


def validate(args: argparse.Namespace) -> int:
    """0 if the worker would take it, 2 with every fault on stderr. Raises BridgeError."""
    from bridge.config import files

    wrong = [name for name in ("worker", "online") if getattr(args, name)]
    if wrong:
        why = "a running worker has its own worker.properties, and tries nothing outside"
        raise ConfigurationError([Fault(f"--{name}", f"does not go with --url: {why}") for name in wrong])
    config = dict(files.read(args.connector, wrapped=True).values)
    kind = config.get("connector.class", "").strip()
    if not kind:
        raise ConfigurationError([Fault("connector.class", f"is required (in {args.connector.name})")])
    client = WorkerClient(args.url)
    infos = client.ask("PUT", f"/connector-plugins/{quote(kind, safe='')}/config/validate", config)
    return _show(infos, config, args)


def _show(infos: dict[str, Any], config: dict[str, str], args: argparse.Namespace) -> int:
    told = {one["value"]["name"]: one for one in infos["configs"]}
    if args.output == "json":
        print_json(infos)
    else:
        rows = [
            _row(one) for key, one in told.items() if args.every or key in config or one["value"]["errors"]
        ]
        print_judged(rows, len(told) - len(rows))
    strangers = [key for key in config if key not in told]
    if strangers:
        print(f"note: unknown to the worker, without effect there: {', '.join(strangers)}", file=sys.stderr)
    for key, one in told.items():
        for error in one["value"]["errors"]:
            fail(f"{key}: {error}")
    if infos["error_count"]:
        return 2
    if args.output == "table":
        print(f"{config.get('name', 'the connector')} is valid")
    return 0


def _row(one: dict[str, Any]) -> tuple[str, str, str, str]:
    from bridge.config.report import short

    value, default = one["value"]["value"] or "", one["definition"]["default_value"] or ""
    return one["value"]["name"], short(value), short(default), "; ".join(one["value"]["errors"])
