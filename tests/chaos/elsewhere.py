"""The rest of the fault matrix: situations that a test elsewhere already plays, in the same columns.

``make chaos`` runs these tests, too: ``python -m tests.chaos.elsewhere`` prints their ids. ``test_elsewhere`` sees to
it that each is there, and that the first of a line asks for what is to be said.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tests.chaos.stages import Holds

_ORDER = "integration/test_at_least_once.py::"
_FOREIGN = "integration/test_foreign_records.py::"
_DIAGNOSIS = "integration/test_position_diagnosis.py::"
_RUN = "integration/test_run.py::"
_SHARED = "integration/test_shared_ids.py::"
_STOP = "integration/test_shutdown.py::"
_LINE = "integration/test_slow_line.py::"
_WORKER = "integration/test_worker.py::"
_KEYS = "integration/test_worker_service_account.py::"
_LIMITS = "unit/config/test_limits.py::"
_REGEX = "unit/java/test_limited.py::"
_SELF = "unit/languages/test_self_reference.py::"
_INFER = "unit/metadata/test_infer.py::"
_CONNECTOR = "unit/pipeline/test_connector.py::"
_LOOP = "unit/pipeline/test_loop.py::"
_POSITIONS = "unit/pipeline/test_loop_positions.py::"
_UNREADABLE = "unit/pipeline/test_loop_unreadable.py::"
_SHAPES = "unit/registry/test_shapes.py::"
_LOGIN = "unit/salesforce/auth/test_auth_refusals.py::"
_START = "unit/salesforce/test_cometd_start.py::"
_DEADLINE = "unit/salesforce/test_deadline.py::"
_CONVERSION = "unit/routing/test_conversion.py::"
_DOCUMENTS = "unit/test_documents.py::"
_STATE = "unit/worker/test_state.py::"

ONCE, OTHERS, WAITS, ENDS = Holds.ONCE, Holds.OTHERS, Holds.WAITS, Holds.ENDS
SENTENCE: Final = "one sentence that names the document, at once"


@frozen
class Elsewhere:
    """``holds``: as in the matrix, or in words of its own. ``said``: words that the first of ``tests`` asks for; None
    where nothing has to be said, or what is said changes with the input. ``tests``: node ids below ``tests/``."""

    situation: str
    holds: Holds | str
    said: str | None
    tests: tuple[str, ...]


def line(situation: str, holds: Holds | str, said: str | None, *tests: str) -> Elsewhere:
    """A line of the table."""
    return Elsewhere(situation, holds, said, tests)


TABLE: Final = (
    # situation; what must hold, what must be said; where it is played
    # ---- replay ids
    line("a live event with a lower or the same id, ids that begin anew",
         "what is pending is committed, the position repeats the highest id", "so far",
         _POSITIONS + "test_events_whose_ids_do_not_rise_are_committed_and_the_position_repeats",
         _POSITIONS + "test_ids_that_begin_anew_get_one_warning_with_their_count"),
    line("ids that begin anew, with a broker",
         ONCE, "replay ids below",
         _SHARED + "test_ids_that_begin_anew_in_a_living_session_are_committed"),
    line("an unreadable message alone in its reply",
         "it is committed, once", None,
         _UNREADABLE + "test_an_unreadable_message_alone_in_its_reply_is_committed",
         _SHARED + "test_a_dead_letter_alone_in_its_reply_is_committed_once"),
    line("an unreadable message with an id of a thousand million",
         "the position stays where the readable ones are", None,
         _UNREADABLE + "test_the_id_of_an_unreadable_message_moves_nothing"),
    line("the process ends between events of one id",
         ONCE, None,
         _SHARED + "test_each_event_of_a_group_comes_once_wherever_the_process_ends"),
    line("the id before the newest has expired",
         "it subscribes after the value, whatever invalid.replay.id.behaviour says", None,
         _SHARED + "test_an_expired_id_before_is_no_expired_position"),
    line("an event without EventUuid after a gap",
         "it is another one, and delivered", None,
         "unit/salesforce/test_cursor.py::test_an_event_without_a_name_that_comes_after_a_gap_is_another_one"),

    # ---- the start
    line("SIGKILL as soon as it says RUNNING",
         ONCE, "is RUNNING",
         _RUN + "test_what_is_published_after_the_line_is_running_survives_a_kill_a_moment_later",
         _RUN + "test_it_is_not_running_before_the_start_is_durable"),
    line("the server's Date is a day ahead of CreatedDate, or behind",
         ONCE, "2 events were passed over: they were created before",
         _START + "test_the_earlier_of_the_clocks_counts"),
    line("a choice of latest after an expired position, then a restart",
         "the choice survives the restart", None,
         _RUN + "test_the_choice_after_an_expired_position_survives_a_restart_before_the_next_event"),

    # ---- Kafka and the line to it
    line("four megabytes at 800 kB/s, in transactions of two seconds",
         ONCE, None,
         _LINE + "test_more_than_the_line_takes_in_the_time_of_a_transaction"),
    line("records that need longer than a transaction",
         ONCE, "that producer.transaction.timeout.ms allows; one record gets",
         _LINE + "test_records_that_need_more_time_than_a_transaction_has"),
    line("a quota of the broker",
         "some are committed all the time", None,
         _LINE + "test_a_quota_of_the_broker"),
    line("SIGTERM while the broker is a black hole",
         "it ends within bridge.shutdown.timeout.ms, exit 1", "not committed",
         _STOP + "test_sigterm_while_the_broker_is_a_black_hole"),
    line("the same, a worker with two connectors",
         "one time for all together, exit 1", "not committed: 200 events received after replay id",
         _STOP + "test_a_worker_has_one_time_for_all_its_connectors"),
    line("a black-holed broker while the position is read",
         "no open transaction is blamed", "reading the position",
         _DIAGNOSIS + "test_a_broker_that_is_a_black_hole_while_the_position_is_read"),
    line("another producer's open transaction",
         WAITS, "open transaction of another producer",
         _DIAGNOSIS + "test_an_open_transaction_is_named_where_it_is_one"),
    line("at least once, a record that the broker refuses",
         "the position is written after the records, and not at all here", None,
         _ORDER + "test_a_record_that_the_broker_refuses_keeps_the_position_where_it_was",
         _ORDER + "test_the_position_follows_its_records"),
    line("a dead letter too large for its topic",
         ENDS, "does not fit into the dead-letter topic dead",
         _UNREADABLE + "test_a_dead_letter_that_its_topic_cannot_take_ends_it_before_the_position_moves"),
    line("--max-events around a schema that is asked for",
         "exactly so many, and the position fits", None,
         _LOOP + "test_max_events_is_exact_around_a_schema_that_is_asked_for"),

    # ---- records of others
    line("forged and broken records in the config and status topics",
         "every worker runs", "is passed over",
         _FOREIGN + "test_a_worker_passes_over_what_others_wrote_before_and_while_it_runs",
         _STATE + "test_numbers_and_words_are_bounded",
         _STATE + "test_a_broken_record_changes_nothing_and_is_no_tombstone",
         _STATE + "test_a_generation_that_the_epoch_has_not_reached_shuts_nobody_up",
         _STATE + "test_after_an_enormous_epoch_the_next_one_counts"),
    line("the thread that follows a worker's topic dies",
         "the worker ends", "-configs ended",
         _FOREIGN + "test_a_worker_whose_reader_died_says_so_and_ends"),
    line("foreign keys and broken headers among the positions",
         ONCE, None,
         _FOREIGN + "test_foreign_records_beside_the_position_and_broken_headers_stop_nobody"),
    line("no position under the connector's own key",
         ENDS, "sfbridge offsets set",
         _FOREIGN + "test_what_is_no_position_under_the_own_key_stops_and_offsets_set_heals_it"),

    # ---- texts without end
    line("${ 60,000 times, ${a:b 20,000 times, in any property",
         "judged at once", None,
         _LIMITS + "test_references_without_an_end_are_passed_over_in_one_pass",
         _LIMITS + "test_a_value_of_any_length_is_judged_at_once"),
    line("6,000 unknown properties",
         "judged at once; by the API refused", "5000 are allowed",
         "unit/api/test_odd_input.py::test_a_flood_of_properties_is_refused",
         _LIMITS + "test_thousands_of_unknown_properties_are_named_at_once"),
    line("a pattern that backtracks for ever",
         OTHERS, "was matched for more than",
         _REGEX + "test_a_match_that_takes_too_long_is_a_bad_record_without_the_text",
         _REGEX + "test_no_pattern_takes_long",
         _REGEX + "test_other_threads_go_on_meanwhile"),
    line("/dev/zero, a pipe, a folder as a store or in ${file:…}",
         "refused at once", "no regular file",
         _LIMITS + "test_only_regular_files_of_a_sane_size_are_read"),

    # ---- events that do not convert
    line("a byte that is no UTF-8, in every format and behind transforms",
         OTHERS, "field Customer_Name__c of Order_Placed__e is not UTF-8",
         _CONVERSION + "test_bytes_that_are_no_utf8_name_the_field_and_show_no_value"),
    line("any exception out of one event's conversion, a recursion too",
         OTHERS, "field Secret__c: an unexpected ValueError in ",
         _CONVERSION + "test_an_exception_becomes_a_bad_record_of_the_field_without_its_text",
         _CONVERSION + "test_a_recursion_is_one_event_s_fault_and_its_trace_is_short"),
    line("the ends of the range of a float, masked and cast",
         "they pass", None,
         _CONVERSION + "test_the_ends_of_the_range_of_a_float_pass_through_every_format"),
    line("a bad event where none is tolerated",
         ENDS, None,
         _RUN + "test_a_bad_event_ends_the_connector_and_what_came_before_it_is_committed"),

    # ---- documents of others
    line("answers of a registry of any shape",
         SENTENCE, "orders-value",
         _SHAPES + "test_an_answer_of_another_shape_is_one_sentence",
         _SHAPES + "test_a_key_of_another_shape_is_one_sentence"),
    line("references of schemas in a circle",
         SENTENCE, "in a circle",
         _SHAPES + "test_references_in_a_circle_end"),
    line("schemas that refer to themselves",
         "walked or refused, at once", None,
         _SELF + "test_a_json_schema_that_refers_to_itself_is_walked_or_refused_at_once",
         "unit/languages/compatibility/test_avro.py::test_a_recursive_schema_ends",
         "unit/languages/compatibility/test_json_schema.py::test_recursion_ends"),
    line("registered texts that are no schema",
         SENTENCE, "the registered",
         _SELF + "test_what_is_no_schema_is_one_sentence"),
    line("metadata of another shape",
         SENTENCE, "Order_Placed__e",
         _INFER + "test_metadata_of_another_shape_is_one_sentence_that_names_it"),
    line("names with quotes or control characters",
         "never sent, never taken", None,
         "unit/salesforce/rest/test_rest.py::test_a_name_that_is_none_is_never_sent",
         _INFER + "test_what_has_no_place_is_named"),
    line("a contract of 3,000 brackets, or a merge bomb",
         SENTENCE, "nested more than 50 deep",
         "unit/test_yaml_text.py::test_what_is_beyond_the_bounds_is_one_sentence_that_names_the_contract"),
    line("JSON nested 3,000 deep, numbers beyond all bounds",
         SENTENCE, "nested",
         _DOCUMENTS + "test_what_is_broken_is_one_sentence",
         _DOCUMENTS + "test_what_has_another_shape_is_one_sentence"),
    line("metadata without end, when the connector is stopped",
         "the stop ends it", None,
         _DEADLINE + "test_a_connector_that_stops_waits_for_no_metadata"),

    # ---- logins, keys, positions that are set
    line("an org that was away for long",
         "a connector is back within 10 s of its return", None,
         _CONNECTOR + "test_an_org_that_is_back_is_not_left_waiting",
         "unit/salesforce/test_presence.py::test_the_return_of_an_org_is_noticed"),
    line("a service account, the same connector twice",
         "the second stands by; only the holder of the lease makes a key", "standing by",
         _KEYS + "test_a_second_process_stands_by_and_makes_no_key_of_the_connector"),
    line("keys that were made for a look",
         "they are deleted after it", "note: the API key",
         _KEYS + "test_what_was_made_for_a_look_is_deleted_after_it"),
    line("a wrong password with auto.restart.on.user.error=true",
         "one attempt an hour", "tried again in an hour at the earliest",
         _CONNECTOR + "test_a_refused_login_is_tried_once_an_hour_where_the_configuration_asks_for_it",
         _LOGIN + "test_with_auto_restart_a_refused_login_is_sent_again_after_an_hour",
         _LOGIN + "test_without_it_the_sentence_says_never"),
    line("PATCH …/offsets to a replay id that the org does not know",
         "it is applied", "was tried: Salesforce refuses",
         _WORKER + "test_a_replay_id_that_the_org_does_not_know_is_said"),
)  # fmt: skip


def ids() -> list[str]:
    """Every test of the table, once, as pytest names it."""
    return [f"tests/{one}" for one in dict.fromkeys(test for line in TABLE for test in line.tests)]


if __name__ == "__main__":
    print(*ids())
