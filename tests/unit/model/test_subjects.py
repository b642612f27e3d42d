from __future__ import annotations

import pytest

from bridge.errors import Fatal
from bridge.model.subjects import subject_name


@pytest.mark.parametrize(
    ("strategy", "context", "subject"),
    [
        ("TopicNameStrategy", "default", "orders-value"),
        ("TopicNameStrategy", "", "orders-value"),
        ("TopicNameStrategy", ".", "orders-value"),
        ("TopicNameStrategy", "sales", ":.sales:orders-value"),
        ("TopicNameStrategy", ".sales", ":.sales:orders-value"),
        ("TopicNameStrategy", ":.sales:", ":.sales:orders-value"),
        ("RecordNameStrategy", "sales", ":.sales:io.x.R"),
        ("io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", "default", "orders-io.x.R"),
    ],
)
def test_subjects(strategy: str, context: str, subject: str) -> None:
    assert subject_name(strategy, "orders", "io.x.R", context) == subject


@pytest.mark.parametrize("context", ["a:b", "a\nb"])
def test_a_context_that_is_none(context: str) -> None:
    with pytest.raises(Fatal, match=r"schema\.context\.name"):
        subject_name("TopicNameStrategy", "t", "r", context)
