"""The messages and calls of ``eventbus.v1.PubSub``, from the compiled form of Salesforce's own ``pubsub_api.proto``
(``make stubs``). Beside this file; see there what each field means."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

SERVICE: Final = "eventbus.v1.PubSub"


def _pool() -> DescriptorPool:
    # A pool of its own: another package of the process may have registered the same file.
    pool = DescriptorPool()
    compiled = Path(__file__).with_name("pubsub_api.binpb").read_bytes()
    for file in FileDescriptorSet.FromString(compiled).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL: Final = _pool()


def _class(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"eventbus.v1.{name}"))


TopicRequest: Final = _class("TopicRequest")
TopicInfo: Final = _class("TopicInfo")
SchemaRequest: Final = _class("SchemaRequest")
SchemaInfo: Final = _class("SchemaInfo")
FetchRequest: Final = _class("FetchRequest")
FetchResponse: Final = _class("FetchResponse")
ConsumerEvent: Final = _class("ConsumerEvent")
ProducerEvent: Final = _class("ProducerEvent")

LATEST: Final = 0  # ReplayPreset; a preset that is not set is this one
EARLIEST: Final = 1
CUSTOM: Final = 2


def path(call: str) -> str:
    """As HTTP/2 carries the name of a call."""
    return f"/{SERVICE}/{call}"
