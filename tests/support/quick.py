"""What ``make quick`` leaves out: what took longest when it was measured, by the beginning of its id."""

from __future__ import annotations

from typing import Final

SLOW: Final = (
    # they wait, because time is what they are about
    "tests/unit/cli/test_connectors_apply.py",
    "tests/unit/cli/test_preview.py::test_it_ends_where_nothing_is_retained",
    "tests/unit/pipeline/test_connector.py::test_an_org_that_is_back_is_not_left_waiting",
    "tests/unit/salesforce/test_cometd_limits.py",
    "tests/unit/salesforce/test_cometd_refusals.py::test_a_session_of_which_every_poll_is_refused_is_given_up",
    "tests/unit/salesforce/test_cometd_sandbox.py",
    "tests/unit/salesforce/test_cometd_stress.py",
    "tests/unit/salesforce/test_deadline.py",
    "tests/unit/sandbox/test_cometd_polls.py",
    # they compute: random input by the thousand, recorded sessions, other people's clients
    "tests/contract/test_additions.py",
    "tests/contract/test_kms.py",
    "tests/contract/test_same_records.py::test_one_org_by_two_ways",
    "tests/unit/api/test_each_role.py",
    "tests/unit/api/test_generated_client.py",
    "tests/unit/api/test_transcript.py",
    "tests/unit/api/v1/test_connectors.py::test_a_thousand_connectors_cost_little",
    "tests/unit/api/v1/test_work.py::test_checks_quote_no_answer",
    "tests/unit/cli/test_schemas_pipeline.py",
    "tests/unit/encryption/test_sdk_logs.py",
    "tests/unit/formats/test_protobuf_foreign.py::test_any_foreign_declaration",
    "tests/unit/salesforce/auth/test_auth.py::test_no_reply_raises_anything_but_ours",
    "tests/unit/salesforce/keystore/test_keystore_damage.py",
    "tests/unit/salesforce/rest/test_rest_faults.py",
    "tests/unit/salesforce/test_replies.py::test_mutated_replies",
    "tests/unit/salesforce/test_replies.py::test_no_good_event_is_lost_among_anything",
    "tests/unit/sandbox/test_messages.py::test_many_events",
    "tests/unit/sandbox/test_registry_requests.py::test_no_request_breaks_it",
    "tests/unit/sandbox/test_registry_transcript.py",
    "tests/unit/transforms/test_quoting.py::test_no_error_of_a_transform_quotes_a_value",
)
