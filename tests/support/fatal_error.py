"""Fatal errors of librdkafka's clients, by a broker of the mock that answers a record with one."""

import ctypes

from confluent_kafka import KafkaError

from bridge.sandbox.kafka import MockKafka

_PRODUCE = 0  # the API key of the request that brings records


def answer_next_record(kafka: MockKafka, code: int = KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER) -> None:
    """The next request that brings records, of whichever producer, gets this error."""
    codes = (ctypes.c_int * 1)(code)
    push = kafka._library.rd_kafka_mock_push_request_errors_array
    push.argtypes = [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.c_void_p]
    push.restype = None
    push(kafka._cluster, _PRODUCE, 1, codes)
