"""What a scrape learns of the worker itself, beside its connectors: Kafka Connect's names where it has one."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.worker.leader import Leader
from bridge.worker.runner import Runner
from bridge.worker.state import State

_WORKER = "kafka_connect_connect_worker_metrics_"
_REBALANCE = "kafka_connect_connect_worker_rebalance_metrics_"


def gauges(worker_id: str, state: State, leader: Leader, runner: Runner) -> str:
    """Lines of the Prometheus exposition."""
    with state.changed:
        mine = state.assignment.workers.get(worker_id, ())
        tasks = [name for name in mine if name in state.tasks]
        failed = [
            name for name in mine if name in state.connectors and state.connectors[name].state == "FAILED"
        ]
        values = (
            (_WORKER + "connector_count", "Connectors assigned to this worker.", len(mine)),
            (_WORKER + "task_count", "Tasks of this worker.", len(tasks)),
            ("sfbridge_worker_failed_connectors", "Connectors of this worker that have failed.", len(failed)),
            ("sfbridge_group_connectors", "Connectors of the group.", len(state.configs)),
            (
                "sfbridge_group_workers",
                "Workers that have connectors assigned.",
                len(state.assignment.workers),
            ),
            (_REBALANCE + "epoch", "How often connectors were assigned.", state.assignment.epoch),
            ("sfbridge_worker_leads", "1 on the worker that leads the group.", int(leader.leads())),
        )
    starts, failed_starts = runner.starts, runner.failed_starts
    counted = (
        (_WORKER + "connector_startup_attempts_total", "Connectors started here.", starts),
        (_WORKER + "connector_startup_success_total", "Those that could begin.", starts - failed_starts),
        (_WORKER + "connector_startup_failure_total", "Those whose configuration failed.", failed_starts),
    )
    return _lines(values, "gauge") + _lines(counted, "counter")


def _lines(values: Iterable[tuple[str, str, int]], kind: str) -> str:
    return "".join(
        f"# HELP {name} {doc}\n# TYPE {name} {kind}\n{name} {value}\n" for name, doc, value in values
    )
