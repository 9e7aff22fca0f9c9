"""SignalWire's words: its statuses, and its error codes in both spellings."""

from __future__ import annotations

from polysms.delivery import Status
from polysms.errors import Reason

STATUSES = {
    "queued": Status.QUEUED,
    "initiated": Status.QUEUED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "read": Status.READ,
    "received": Status.RECEIVED,
}
#: Words of the compatibility API alone; the message has not left SignalWire yet.
OLDER = {"accepted": Status.QUEUED, "sending": Status.QUEUED, "receiving": Status.RECEIVED}


def status_of(word: str | None) -> Status:
    """Return what a status word of either API means."""
    return STATUSES.get(word or "") or OLDER.get(word or "", Status.UNRECOGNIZED)


# Symbolic codes and their numeric twins (error-codes page; the compatibility API's page).
CODES = {
    Reason.INVALID_NUMBER: """invalid_to_number invalid_number_format not_e164
        invalid_destination_number unknown_destination_handset 21211 21603 21604 21606 21614
        30005""",
    Reason.OPTED_OUT: "message_blocked_by_number number_blacklisted 21610",
    Reason.BLOCKED: "message_blocked_by_carrier 30004",
    Reason.CONTENT: """body_or_media_required message_body_required invalid_message_body
        carrier_violation message_filtered 21602 30007""",
    Reason.SENDER: """invalid_from_number verified_caller_id_not_permitted inactive_campaign
        missing_messaging_capability campaign_inactive associated_campaign_inactive
        associated_campaign_suspended messaging_provider_invalid 21210 21212 21601 21717""",
    Reason.BALANCE: "insufficient_balance insufficient_balance_to_send_message 30002",
    Reason.PERMISSION: """sending_disabled_for_space sending_restricted_to_verified
        integration_test_verified_caller_required account_limit_exceeded 21219""",
    Reason.CAPABILITY: """feature_not_available destination_number_not_supported
        number_not_supported not_routable not_routeable unrouteable_message
        mms_expired_rejected_failed_or_unsupported 30006 30011 30012""",
    Reason.MEDIA: """media_limit_exceeded invalid_media_url invalid_media_type
        unsupported_media_type media_url_required not_an_http_url url_is_unsafe
        url_failed_to_parse media_connection_timeout media_download_failed media_request_failed
        media_exceeds_size_limit media_size_exceeds_limit media_processing_failed 21612 21620
        21623 63019""",
    Reason.TOO_LONG: "character_limit_exceeded message_length_exceeds_limit 21617",
    Reason.QUOTA: """pft_daily_limit_exceeded sole_proprietor_daily_limit_exceeded
        campaign_throughput_exceeded tmobile_daily_limit_reached 30022 30027 35125""",
    Reason.OTHER: """missing_required_parameter invalid_parameter not_a_boolean not_a_string
        must_be_object too_many_custom_variables invalid_custom_variable_name
        invalid_custom_variable_value custom_variable_value_too_long
        reserved_custom_variable_name rejected_by_receiving_carrier_for_unspecified_reason
        unable_to_deliver_to_carrier unreachable_destination_handset unknown_error
        message_validity_period_expired_at_carrier internal_error_occurred 21624 30001 30003
        30008 30009 30010 63011""",
}
REASONS = {code: reason for reason, codes in CODES.items() for code in codes.split()}
#: Refused because of a full queue or a rate: later, please.
BUSY = frozenset(
    {"message_backlog_limit_exceeded", "max_queued_messages_exceeded", "rate_limit_exceeded"}
    | {"21611", "20429"}
)
#: A message that is still on its way cannot be redacted yet.
TOO_EARLY = frozenset({"cannot_redact_in_progress_message"})
