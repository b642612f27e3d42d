"""``sfbridge offsets set --at TIME``: the replay id of the last event that was published before a time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bridge.cli.progress import Progress
from bridge.errors import ConfigurationError, Fault


def replay_id_at(args: argparse.Namespace) -> int:
    """Asks Salesforce for what it retains. ConfigurationError without the connector's file; Fatal, Retriable."""
    from bridge import log
    from bridge.inspection.configuration import load_connector
    from bridge.inspection.retained import replay_id_at as look
    from bridge.reading.decode import iso_time

    path = Path(args.connector)
    if not path.is_file():
        raise ConfigurationError([Fault("--at", "needs the connector's file, to log in with")])
    from bridge.config import load_worker

    connector = load_connector(path, worker=load_worker(args.worker) if args.worker else None)
    log.register_secrets(connector.hidden())
    log.configure("text", "WARNING")
    with Progress("looking for that time", "events") as progress:
        moment = look(connector, args.at, looked=lambda count: progress(count, 0))
    before = "" if moment.before_ms is None else f", published {iso_time(moment.before_ms)}"
    after = (
        "no event was published since"
        if moment.after_ms is None
        else f"the next one was published {iso_time(moment.after_ms)}"
    )
    print(f"note: the last event before is replay id {moment.replay_id}{before}; {after}", file=sys.stderr)
    return moment.replay_id
