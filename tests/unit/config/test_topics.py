"""The output topic's name, fixed or made from the event's fields."""

import pytest

from bridge.config import config_of, topic_template
from bridge.errors import BadRecord


def test_a_fixed_name_is_lower_cased_unless_it_is_not_to_be() -> None:
    assert topic_template(config_of({"kafka.topic": "Orders"})).fixed == "orders"
    kept = {"kafka.topic": "Orders", "kafka.topic.lowercase": "false"}
    assert topic_template(config_of(kept)).fixed == "Orders"


def test_fields_are_filled_in() -> None:
    template = topic_template(config_of({"kafka.topic": "sf-${_ObjectType}.${Region__c}"}))
    assert template.fixed is None
    assert template.fields == ("_ObjectType", "Region__c")
    assert template.fill({"_ObjectType": "Order__e", "Region__c": 7}.get) == "sf-order__e.7"


@pytest.mark.parametrize("value", [None, "", "two words", "ü", "x" * 250])
def test_a_field_that_gives_no_name_is_a_bad_record_and_not_quoted(value: str | None) -> None:
    template = topic_template(config_of({"kafka.topic": "a-${F}"}))
    with pytest.raises(BadRecord) as error:
        template.fill(lambda name: value)
    assert "kafka.topic" in error.value.message
    assert not value or value not in error.value.message


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    template = topic_template(config_of({"kafka.topic": "${F}"}))
    with pytest.raises(BadRecord):
        template.fill(lambda name: "${G}")
