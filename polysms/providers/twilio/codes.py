"""Twilio's words: its statuses (Messages resource), and its error codes (error dictionary, 2026).

Twilio asks not to build on its codes, because it makes them finer now and then. So only what a code
means for a route is taken from it, and a code that is in no row here is a refusal all the same.
"""

from __future__ import annotations

from polysms.delivery import Status
from polysms.errors import Reason

STATUSES = {
    # Of a Messaging Service: it has not chosen a sender yet, or is to send later.
    "accepted": Status.QUEUED,
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "sending": Status.QUEUED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    # Only ever said of scheduled messages, and whoever cancelled it was not polysms.
    "canceled": Status.FAILED,
    "read": Status.READ,
    "receiving": Status.RECEIVED,
    "received": Status.RECEIVED,
}


def status_of(word: str | None) -> Status:
    """Return what a status word means."""
    return STATUSES.get(word or "", Status.UNRECOGNIZED)


# Beside each code what the dictionary calls it. 2xxxx are answers to a send, 3xxxx come later.
CODES: dict[Reason, dict[str, str]] = {
    Reason.INVALID_NUMBER: {
        "21211": "Invalid 'To' Phone Number",
        "21217": "Phone number does not appear to be valid",
        "21401": "Invalid Phone Number",
        "21421": "Phone Number is invalid",
        "21604": "'To' phone number is required",
        "21614": "'To' number is not a valid mobile number",
        "21635": "'To' number cannot be a landline",
        "30005": "Unknown destination handset",
        "30014": "'To' attributes are invalid",
    },
    Reason.OPTED_OUT: {
        "21610": "Attempt to send to unsubscribed recipient",
    },
    Reason.BLOCKED: {
        "30004": "Message blocked",
        "30039": "Filtered to prevent message loops",
        "30450": "Message delivery blocked",
    },
    Reason.CONTENT: {
        "21602": "Message body is required",
        "21618": "The message body cannot be sent",
        "21619": "A message body, media URL or content SID is required",
        "30007": "Message filtered",
        "30038": "OTP message body filtered",
    },
    Reason.SENDER: {
        "21210": "'From' phone number not verified",
        "21212": "Invalid 'From' Number",
        "21213": "Caller phone number is required",
        "21264": "'From' phone number not verified",
        "21267": "Alphanumeric sender ID on a trial account",
        "21601": "Not a valid SMS-capable inbound phone number",
        "21603": "'From' or 'MessagingServiceSid' is required",
        "21606": "'From' is not a message-capable number of this account",
        "21607": "'From' must be the sandbox number for trial accounts",
        "21616": "'From' matches multiple numbers of the account",
        "21657": "The sender ID is invalid",
        "21659": "'From' is not a Twilio number, or short code country mismatch",
        "21660": "Mismatch between the 'From' number and the account",
        "21661": "'From' number is not SMS-capable",
        "21663": "'From' number's routing configuration is incorrect",
        "21701": "The Messaging Service does not exist",
        "21702": "The Messaging Service is not available",
        "21703": "The Messaging Service has no phone number available",
        "21704": "The Messaging Service contains no phone numbers",
        "21705": "The Messaging Service is invalid",
        "21709": "Alpha sender ID invalid for this Messaging Service",
        "21711": "Sender is not associated with the Messaging Service",
        "21712": "Number is associated with another Messaging Service",
        "30018": "Destination carrier requires sender ID pre-registration",
        "30024": "Numeric sender ID not provisioned on carrier",
        "30032": "Toll-free number has not been verified",
        "30033": "US A2P 10DLC: campaign suspended",
        "30034": "US A2P 10DLC: message from an unregistered number",
        "30035": "US A2P 10DLC: number still being configured",
        "30040": "Destination carrier requires sender ID pre-registration",
        "30041": "Sender is restricted or unregistered in a country",
        "30042": "Alphanumeric sender ID is generic or unauthorized",
    },
    Reason.CREDENTIALS: {
        "20003": "Permission denied (authentication)",
    },
    Reason.PERMISSION: {
        "10001": "Account is not active",
        "10002": "Trial accounts do not support the feature",
        "20005": "Account not active",
        "20403": "Forbidden",
        "20404": "Not found",
        "21470": "Invalid AccountSid",
        "21471": "Account does not exist",
        "21472": "Account is not active",
        "21622": "MMS has not been enabled for your account",
        "30002": "Account suspended",
        "30037": "Outbound messaging disabled",
    },
    # Of this recipient, not of the account: three of them would make an account rest otherwise.
    Reason.CAPABILITY: {
        "21219": "'To' phone number not verified (trial account)",
        "21265": "'To' number cannot be a short code",
        "21266": "'To' and 'From' numbers cannot be the same",
        "21268": "Premium rate or information service numbers",
        "21407": "This phone number type does not support SMS",
        "21408": "Permissions disabled for the destination region",
        "21608": "'To' is not yet verified for this account",
        "21612": "Cannot be sent with this combination of 'To' and 'From'",
        "21621": "'From' number has not been enabled for MMS",
        "21662": "'From' and 'To' cannot be used in the Ireland region",
        "21668": "Number type not supported in the Ireland region",
        "21910": "'From' and 'To' should be of the same channel",
        "30006": "Landline or unreachable carrier",
        "30011": "MMS not supported by the receiving number in this region",
        "30015": "Non-supported channel type is used",
        "30016": "'To' and 'From' channel types are incompatible",
    },
    Reason.MEDIA: {
        "21620": "Invalid media URL(s)",
        "21623": "Number of media files exceeds allowed limit",
        "30019": "Content size exceeds carrier limit",
    },
    Reason.TOO_LONG: {
        "21605": "Maximum body length is 160 characters (old endpoint)",
        "21617": "The concatenated message body exceeds 1600 characters",
        "21658": "Parameter exceeded character limit",
        "30044": "Trial message length exceeded",
    },
    Reason.QUOTA: {
        "30001": "Queue overflow",
        "30017": "Carrier network congestion",
        "30022": "US A2P 10DLC: rate limits exceeded",
        "30023": "US A2P 10DLC: daily message cap reached",
        "30027": "US A2P 10DLC: T-Mobile daily message limit reached",
    },
    Reason.OTHER: {
        "20001": "Unknown parameters",
        "20422": "Invalid parameter",
        "21609": "Invalid 'StatusCallback'",
        "21624": "Invalid validity period value",
        "21627": "Max price must be a valid float",
        "30003": "Unreachable destination handset",
        "30008": "Unknown error",
        "30010": "Message price exceeds max price",
        "30012": "TTL is too small",
        "30013": "TTL is too big",
        "30036": "Validity period expired",
        "30046": "Message delivery not confirmed",
        "30410": "Provider timeout error",
        "30453": "Message couldn't be delivered",
    },
}
REASONS = {code: reason for reason, codes in CODES.items() for code in codes}
#: Refused because of a rate, a full queue or maintenance: later, please.
BUSY = frozenset({"20429", "21611", "21730"})
#: A message that is still on its way cannot be changed yet.
TOO_EARLY = frozenset({"20009", "20409"})
