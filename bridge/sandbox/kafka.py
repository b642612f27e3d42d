"""Kafka in this process: librdkafka's built-in mock cluster, which other processes can reach as well.

It takes and gives records and tells what topics there are, nothing more: no fencing, no read_committed, no
settings, no compaction; about 5 MB are kept of each partition. It is for seeing things work, and proves nothing
about exactly-once.

The Python client can start such a cluster but not say how many partitions a topic has (the default is four, and
order would be lost), so librdkafka's own functions (``rdkafka_mock.h``) are called.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from bridge.errors import Fatal, Stage

_PRODUCER = 0  # RD_KAFKA_PRODUCER in rdkafka.h


class MockKafka:
    """A cluster on 127.0.0.1, up as long as the object is. A context manager, or ``close``."""

    def __init__(self, topics: Iterable[str] = ()) -> None:
        self._library = _librdkafka()
        error = ctypes.create_string_buffer(512)
        settings = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(settings, b"log_level", b"0", error, ctypes.sizeof(error))
        self._client = self._library.rd_kafka_new(_PRODUCER, settings, error, ctypes.sizeof(error))
        self._cluster = self._client and self._library.rd_kafka_mock_cluster_new(self._client, 1)
        # The cluster numbers its brokers from 1 but names broker 0 as its controller: without a broker 0,
        # admin calls would wait for a controller that is not there.
        if not self._cluster or self._library.rd_kafka_mock_broker_add(self._cluster, 0):
            why = error.value.decode() or "no reason given"
            raise Fatal(f"The in-process Kafka did not start: {why}.", stage=Stage.PRODUCE)
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        for topic in topics:
            self.create_topic(topic)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Create a topic; other topics appear, with four partitions, when a client asks for them."""
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code:
            raise Fatal(f"The in-process Kafka refused topic {name} (code {code}).", stage=Stage.PRODUCE)

    def close(self) -> None:
        """End the cluster; what it held is gone."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._client)
            self._cluster = self._client = None


def _librdkafka() -> Any:
    """The library that the Python client is linked to; its symbols are found through the client's module."""
    from confluent_kafka import cimpl

    library = ctypes.CDLL(cimpl.__file__)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_conf_set", ctypes.c_int, [pointer, text, text, text, ctypes.c_size_t]),
        ("rd_kafka_new", pointer, [ctypes.c_int, pointer, text, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, ctypes.c_int]),
        ("rd_kafka_mock_broker_add", ctypes.c_int, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_topic_create", ctypes.c_int, [pointer, text, ctypes.c_int, ctypes.c_int]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
