"""What tells one route from another, besides the event's fields."""

from __future__ import annotations

from attrs import evolve

from bridge.model.schema import EventField, EventType
from bridge.routing.telling import tags_of_fields

STREET = EventField("Street", "string", flat="MailingStreet")
ADDRESS = EventField("MailingAddress", "address", children=(STREET,))
EVENT = EventType("ContactChangeEvent", (ADDRESS, EventField("Email", "email")), entity="Contact")


def test_a_tag_of_a_field_or_of_a_part_of_one_makes_another_route() -> None:
    part = evolve(ADDRESS, children=(evolve(STREET, tags={"PII": "contract"}),))
    whole = evolve(ADDRESS, tags={"PII": "contract"})
    ways = [
        tags_of_fields(evolve(EVENT, fields=(each, *EVENT.fields[1:]))) for each in (ADDRESS, part, whole)
    ]
    assert len(set(ways)) == 3
