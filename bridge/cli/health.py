"""``sfbridge health``: whether a worker is there and ready, as an exit code: for the probes of containers and units."""

from __future__ import annotations

import argparse

from bridge.cli.worker_client import WorkerClient, add_url_option
from bridge.errors import Fatal, Stage

HELP = "Whether a running worker is ready: exit code 0, or 1 with the reason."
EXAMPLE = "sfbridge health --url http://127.0.0.1:8083"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_url_option(parser)


def run(args: argparse.Namespace) -> int:
    """0 when the worker says that it is healthy. Raises Fatal with its own words else."""
    health = WorkerClient(args.url).ask("GET", "/health")
    if not isinstance(health, dict) or "status" not in health:
        raise Fatal(f"what answers at {args.url} is no worker", stage=Stage.CONFIGURATION)
    print(f"{health['status']}: {health.get('message', '')}".rstrip(": "))
    return 0
