"""What a scrape learns of the worker itself, beside its connectors: Kafka Connect's names where it has one."""

from __future__ import annotations

from bridge.worker.leader import Leader
from bridge.worker.state import State

_WORKER = "kafka_connect_connect_worker_metrics_"


def gauges(worker_id: str, state: State, leader: Leader) -> str:
    """Lines of the Prometheus exposition."""
    with state.changed:
        mine = state.assignment.workers.get(worker_id, ())
        tasks = [name for name in mine if name in state.tasks]
        failed = [
            name for name in mine if name in state.connectors and state.connectors[name].state == "FAILED"
        ]
        found = (
            (_WORKER + "connector_count", "Connectors assigned to this worker.", len(mine)),
            (_WORKER + "task_count", "Tasks of this worker.", len(tasks)),
            ("sfbridge_worker_failed_connectors", "Connectors of this worker that have failed.", len(failed)),
            ("sfbridge_group_connectors", "Connectors of the group.", len(state.configs)),
            (
                "sfbridge_group_workers",
                "Workers that have connectors assigned.",
                len(state.assignment.workers),
            ),
            ("sfbridge_group_epoch", "How often connectors were assigned.", state.assignment.epoch),
            ("sfbridge_worker_leads", "1 on the worker that leads the group.", int(leader.leads())),
        )
    return "".join(
        f"# HELP {name} {doc}\n# TYPE {name} gauge\n{name} {value}\n" for name, doc, value in found
    )
