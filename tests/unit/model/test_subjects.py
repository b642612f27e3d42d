from __future__ import annotations

import pytest

from bridge.errors import Fatal
from bridge.model.subjects import context_name, prefix, shown_context, subject_name


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


@pytest.mark.parametrize("spelled", ["sales", ".sales", ":.sales:", " sales ", ":.sales"])
def test_a_context_has_one_name_however_it_is_spelled(spelled: str) -> None:
    assert (context_name(spelled), prefix(spelled)) == (".sales", ":.sales:")


@pytest.mark.parametrize("spelled", ["", ".", "default", ":.:", " default ", "Default", "DEFAULT"])
def test_the_default_context_has_none(spelled: str) -> None:
    assert (context_name(spelled), prefix(spelled)) == ("", "")


@pytest.mark.parametrize("registered", [".Default", ":.Default:", ".defaults", ".sales"])
def test_a_context_that_the_registry_calls_nearly_so_is_another(registered: str) -> None:
    assert context_name(registered) == f".{registered.strip(':').removeprefix('.')}"


@pytest.mark.parametrize(("name", "shown"), [(".", "default"), (".sales", "sales"), (".Default", ".Default")])
def test_a_context_is_shown_as_it_is_given(name: str, shown: str) -> None:
    assert shown_context(name) == shown
    assert context_name(shown) == ("" if name == "." else name)
