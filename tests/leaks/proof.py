"""What must hold of a run of the matrix."""

from __future__ import annotations

from pathlib import Path

from tests.leaks.cases import SECRET, Case
from tests.leaks.stage import staged
from tests.support.kafka_broker import Broker

PLACES = (
    "REST",
    "jobs",
    "log",
    "registry",
    "KMS",
    "names of subjects",
    "names of topics",
    "values",
    "headers",
    "keys",
)


def prove(directory: Path, broker: Broker, cases: list[Case]) -> None:
    """No secret anywhere, no value that a registry's own key opens; and the search is able to find what is there."""
    with staged(directory, broker, cases) as stage:
        stage.play()
        runs, evidence = stage.runs, stage.evidence
        by_secret = {secret: run for run in runs for secret in (run.secret, run.contact)}
        leaks = {
            f"{by_secret[secret].case} ({by_secret[secret].state}): in {where}"
            for secret, where in evidence.found(by_secret)
        }
        assert not leaks, "\n".join(sorted(leaks))
        materials = stage.vault.materials
        told = {where for _, where in evidence.found(materials)} - {"KMS"}
        assert materials, "keys that the KMS was asked to wrap"
        assert not told, f"a plaintext key is in {told}"
        by_topic = {run.topic: run.case for run in runs}
        forged = {str(by_topic[topic]) for topic in stage.records.forged() if not by_topic[topic].may_choose}
        assert not forged, f"encrypted with the key of whoever answers: {sorted(forged)}"

        looked_at = evidence.looked_at
        assert all(looked_at.get(place, 0) > 0 for place in PLACES), looked_at
        working = [run for run in runs if run.case.must_work]
        assert len(working) >= len(runs) // 20, "cases in which nobody lies and nothing is refused"
        for run in working:
            assert run.state == "RUNNING", (str(run.case), run.told)
            values = stage.opened(run)
            assert run.secret in [_secret(value) for value in values], (str(run.case), values)
        seen = {marker for marker, where in evidence.found(run.marker for run in runs) if where == "values"}
        assert {run.marker for run in working} <= seen, "the search finds what is not protected"
        done = {kind for kind, state in stage.jobs if state == "DONE"}
        assert done >= {"records", "letters", "schemas", "keys", "verify", "preview", "checks"}, stage.jobs
        assert stage.lying.told >= len(runs) // 2, "lies that were told"


def _secret(value: object) -> object:
    while isinstance(value, dict) and SECRET not in value and "who" not in value and len(value) == 1:
        (value,) = value.values()
    assert isinstance(value, dict)
    return next((each for name, each in value.items() if name.endswith((SECRET, "who"))), None)
