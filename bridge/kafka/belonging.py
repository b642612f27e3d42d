"""Whose position it is: replay ids of one org mean nothing in another."""

from __future__ import annotations

from bridge.errors import Fatal, Stage
from bridge.kafka.offsets import Position


def check_org(position: Position, org_id: str, *, told: bool = True) -> None:
    """Fatal for a position of another org than the one of the login: a refreshed sandbox has a new org id. ``told``:
    whether the login's may be said."""
    if position.replay_id is None or position.org_id in (None, org_id):
        return
    raise Fatal(
        f"the stored position (replay id {position.replay_id}) belongs to org {position.org_id}, but the login "
        f"is to {f'org {org_id}' if told else 'another'}; was the sandbox refreshed? 'sfbridge offsets reset' makes "
        "it start as a new connector would",
        stage=Stage.POSITION,
        position=position.replay_id,
    )
