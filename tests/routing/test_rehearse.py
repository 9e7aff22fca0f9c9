"""What a message becomes at another account, for every pair of providers that differ in it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from polysms.config import Config
from polysms.errors import InvalidMessage
from polysms.message import Message
from polysms.providers.carrierx import CarrierXOptions
from polysms.providers.signalwire import SignalWireOptions
from polysms.providers.wavix import WavixOptions
from polysms.routing.deliver import deliver
from polysms.routing.plan import Plan
from polysms.routing.rehearse import Rehearsal, rehearse
from polysms.routing.steps import Call
from polysms.segments import Encoding
from tests.scenes import world

US, ABROAD = "+13135550123", "+442079460123"
#: Of the three providers; each sends from a number of its own, or from the one they share.
TABLES: dict[str, Any] = {
    "accounts": {
        "wavix": {"api_key": "wavix-canary", "sender": "+13135550100"},
        "carrierx": {"token": "carrierx-canary", "sender": "+13135550100"},
        "signalwire": {
            "space": "example",
            "project_id": "p-1",
            "api_token": "signalwire-canary",
            "sender": "+13135550100",
        },
        "names": {"provider": "wavix", "api_key": "names-canary", "sender": "Acme"},
        "other": {"provider": "carrierx", "token": "other-canary", "sender": "+13135550121"},
        "twin": {"provider": "wavix", "api_key": "twin-canary", "sender": "+13135550100"},
        "mute": {"provider": "wavix", "api_key": "mute-canary"},
    },
    "senders": {"alerts": {"wavix": "+13135550107", "signalwire": "+13135550108"}},
    "default": "wavix",
}
PROVIDERS = ("wavix", "carrierx", "signalwire")
SHORT = "cannot send to short numbers: 988"
NAME_IN_US = "Wavix: sender 'Acme' cannot be used to the US or Canada; send from a number"
NOT_LISTED = "account signalwire does not list this sender; add it to its sender"
NO_ALERTS = "account carrierx has no sender for @alerts; add it to its sender"


def media(count: int) -> dict[str, Any]:
    """Return the field for so many media."""
    return {"media": [f"https://example.com/{number}.png" for number in range(count)]}


def rehearsed(
    pair: tuple[str, str], message: Message, rails: dict[str, Any] | None = None
) -> Rehearsal:
    """Rehearse a message from one account of the tables to another."""
    config = Config.from_mapping({**TABLES, "rails": rails or {}})
    before, after = (config.account(name) for name in pair)
    return rehearse(message, before, after, config.senders, config.rails)


@pytest.mark.parametrize("pair", list(itertools.permutations(PROVIDERS, 2)))
def test_a_plain_text_stays_as_it_is(pair: tuple[str, str]) -> None:
    """A text that every provider says alike, from a sender that both list, does not differ."""
    found = rehearsed(pair, Message(US, "Your table is ready"))

    assert () == found.differences
    assert found.possible
    assert (1, Encoding.GSM_7, "sms") == (
        found.after.segments,
        found.after.encoding,
        found.after.kind,
    )


@pytest.mark.parametrize(
    ("pair", "message", "expected"),
    [
        (
            ("wavix", "other"),
            Message(US, "x"),
            ("the sender becomes '+1********21' instead of '+1********00'",),
        ),
        (
            ("carrierx", "names"),
            Message(US, "x"),
            (f"no longer possible: {NAME_IN_US}",),
        ),
        (
            ("signalwire", "names"),
            Message(ABROAD, "x"),
            (
                "the sender becomes 'Acme' instead of '+1********00'",
                "warning: sender 'Acme' is a name: nobody can reply to it",
            ),
        ),
        (
            ("names", "signalwire"),
            Message(ABROAD, "x"),
            ("the sender becomes '+1********00' instead of 'Acme'",),
        ),
        (
            ("names", "signalwire"),
            Message(ABROAD, "x", from_="Acme"),
            (f"no longer possible: {NOT_LISTED}",),
        ),
        (
            ("wavix", "mute"),
            Message(US, "x"),
            ("no longer possible: account mute has no sender; add it to its sender",),
        ),
        (
            ("wavix", "signalwire"),
            Message(US, "x", from_="@alerts"),
            ("the sender becomes '+1********08' instead of '+1********07'",),
        ),
        (
            ("wavix", "carrierx"),
            Message(US, "x", from_="@alerts"),
            (f"no longer possible: {NO_ALERTS}",),
        ),
    ],
)
def test_senders(pair: tuple[str, str], message: Message, expected: tuple[str, ...]) -> None:
    """The sender that the other account would use is told, and where it has none, that it is so."""
    assert expected == rehearsed(pair, message).differences


@pytest.mark.parametrize(
    ("pair", "count", "expected"),
    [
        (("signalwire", "wavix"), 5, ()),
        (("signalwire", "wavix"), 6, ("Wavix: takes at most 5 media, the message has 6",)),
        (("carrierx", "signalwire"), 8, ()),
        (("carrierx", "signalwire"), 9, ("SignalWire: takes at most 8 media, the message has 9",)),
        (("wavix", "carrierx"), 5, ()),
    ],
)
def test_media(pair: tuple[str, str], count: int, expected: tuple[str, ...]) -> None:
    """An MMS fits until the other provider's count, and is one segment at each."""
    found = rehearsed(pair, Message(US, "x" * 500, **media(count)))

    assert expected == tuple(
        sentence.removeprefix("no longer possible: ") for sentence in found.differences
    )
    assert count == found.after.media
    assert ("mms", 1, None) == (found.before.kind, found.before.segments, found.before.encoding)


@pytest.mark.parametrize(
    ("pair", "text", "segments", "words"),
    [
        (("wavix", "signalwire"), "x" * 1600, 11, None),
        (("wavix", "signalwire"), "x" * 1601, 11, "takes at most 1600 characters of text"),
        (("carrierx", "wavix"), "x" * 1630, 11, None),
        (("carrierx", "wavix"), "x" * 1631, 11, "takes at most 1630 units of GSM-7"),
        (("signalwire", "wavix"), "é" * 670, 5, None),
        (("signalwire", "wavix"), "ж" * 671, 11, "takes at most 670 units of UCS-2"),
        (("carrierx", "signalwire"), "ж" * 71, 2, None),
    ],
)
def test_long_texts(pair: tuple[str, str], text: str, segments: int, words: str | None) -> None:
    """A text fits until the other provider's own limit, and is counted as it is charged."""
    found = rehearsed(pair, Message(US, text))

    assert segments == found.before.segments
    assert (words is None) == found.possible
    assert found.after.segments == (segments if words is None else 0)
    assert words is None or words in found.differences[0]


@pytest.mark.parametrize(
    ("pair", "message", "expected"),
    [
        (("signalwire", "wavix"), Message("988", "x"), (f"no longer possible: Wavix: {SHORT}",)),
        (
            ("signalwire", "carrierx"),
            Message("988", "x"),
            (f"no longer possible: CarrierX: {SHORT}",),
        ),
        (
            ("wavix", "signalwire"),
            Message("988", "x"),
            (f"becomes possible; it was not: Wavix: {SHORT}",),
        ),
        (
            ("wavix", "carrierx"),
            Message("988", "x"),
            (f"not possible at either: CarrierX: {SHORT}",),
        ),
        (
            ("signalwire", "carrierx"),
            Message(ABROAD, "x", **media(1)),
            ("no longer possible: CarrierX: sends MMS only to numbers of: US",),
        ),
        (
            ("wavix", "carrierx"),
            Message(US, "x", status_callback="https://example.com/dlr"),
            ("no longer possible: CarrierX: takes no status_callback per message",),
        ),
    ],
)
def test_what_one_provider_cannot_say(
    pair: tuple[str, str], message: Message, expected: tuple[str, ...]
) -> None:
    """Possible at one and not at the other is told in either direction, with the reason."""
    assert expected == rehearsed(pair, message).differences


@pytest.mark.parametrize(
    ("pair", "message", "expected"),
    [
        (
            ("wavix", "signalwire"),
            Message(US, "x", valid_for=600),
            ("valid_for has no word there: polysms stops after it itself",),
        ),
        (
            ("carrierx", "wavix"),
            Message(US, "x", valid_for=600),
            ("valid_for has a word there: Wavix stops after it too",),
        ),
        (("carrierx", "signalwire"), Message(US, "x", valid_for=600), ()),
        (("wavix", "signalwire"), Message(US, "x", tag="orders"), ()),
    ],
)
def test_wishes(pair: tuple[str, str], message: Message, expected: tuple[str, ...]) -> None:
    """A wish that only one of the two has a word for is told; polysms honours it at the other."""
    assert expected == rehearsed(pair, message).differences


def test_a_wish_without_a_word_is_named_on_either_side() -> None:
    """No provider has a word for the tag: that is known of each, though it is no difference."""
    found = rehearsed(("wavix", "signalwire"), Message(US, "x", tag="orders"))

    assert ("tag",) == found.before.unsupported == found.after.unsupported


@pytest.mark.parametrize(
    ("pair", "options", "expected"),
    [
        (
            ("wavix", "signalwire"),
            {"wavix": {"tag": "a", "smart_encoding": False}},
            (
                "the option wavix.tag has no effect there",
                "the option wavix.smart_encoding has no effect there",
            ),
        ),
        (
            ("signalwire", "wavix"),
            {"wavix": WavixOptions(tag="a")},
            ("the option wavix.tag has an effect there",),
        ),
        (
            ("signalwire", "wavix"),
            {"signalwire": SignalWireOptions(custom_variables={"order": "17"})},
            ("the option signalwire.custom_variables has no effect there",),
        ),
        (("wavix", "signalwire"), {"carrierx": CarrierXOptions(type="sms")}, ()),
        (("wavix", "twin"), {"wavix": {"tag": "a"}}, ()),
        (("signalwire", "wavix"), {"wavix": {"tag": None}}, ()),
        (
            ("signalwire", "wavix"),
            {"wavix": {"tg": "a"}},
            ("no longer possible: options['wavix'] has no 'tg'; known are smart_encoding, tag",),
        ),
    ],
)
def test_options(pair: tuple[str, str], options: dict[str, Any], expected: tuple[str, ...]) -> None:
    """An option that only one of the two reads is told by its name, mapping or typed alike."""
    assert expected == rehearsed(pair, Message(US, "x", options=options)).differences


GROUP = {"carrierx": {"group_recipients": ["+13135550124", "+13135550125"]}}


def test_a_group_is_never_broken_up() -> None:
    """Who would get no copy at the other provider makes the message impossible there."""
    found = rehearsed(("carrierx", "wavix"), Message(US, "x", options=GROUP))

    assert ("no longer possible: Wavix would not reach the whole group",) == found.differences
    assert (3, "mms", 1) == (
        len(found.before.recipients),
        found.before.kind,
        found.before.segments,
    )


def test_a_group_that_is_wrong_stays_impossible() -> None:
    """What names a group wrongly is no single message at the other provider either."""
    options = {"carrierx": {"group_recipients": "+13135550124"}}
    found = rehearsed(("carrierx", "wavix"), Message(US, "x", options=options))

    assert ("not possible at either: Wavix would not reach the whole group",) == found.differences


def test_a_group_becomes_possible() -> None:
    """Where only the other provider can reach the whole group, that is told."""
    found = rehearsed(("signalwire", "carrierx"), Message(US, "x" * 200, options=GROUP))

    assert (
        "becomes possible; it was not: SignalWire would not reach the whole group",
    ) == found.differences


@pytest.mark.parametrize(
    ("rails", "words"),
    [
        ({"only_to": ["+13135550199"]}, "only_to: +1********23 is not in the list"),
        ({"max_segments": 1}, "max_segments: the text needs more than 1 segments"),
        ({"countries": ["DE"]}, "refused by the rail countries"),
    ],
)
def test_rails_hold_at_both(rails: dict[str, Any], words: str) -> None:
    """What a rail forbids is possible at neither account."""
    (sentence,) = rehearsed(("wavix", "signalwire"), Message(US, "x" * 200), rails).differences

    assert sentence.startswith("not possible at either: ")
    assert words in sentence


def test_rails_redirect() -> None:
    """A configuration that redirects rehearses what would be sent: the other number's message."""
    rails = {"redirect_to": "+13135550199"}
    found = rehearsed(("wavix", "signalwire"), Message("988", "x"), rails)

    assert () == found.differences
    assert ("+13135550199",) == found.after.recipients


def test_an_unknown_logical_sender_is_a_wrong_message() -> None:
    """A logical sender that nobody configured is wrong at every account, so it is raised."""
    with pytest.raises(InvalidMessage, match="no logical sender '@nobody'"):
        rehearsed(("wavix", "signalwire"), Message(US, "x", from_="@nobody"))


def sent(config: Config, name: str, message: Message) -> bytes:
    """Return the request that a send through one account makes."""
    plan = Plan(route=config.route(name), accounts=(config.account(name),), senders=config.senders)
    steps = deliver(message, plan, world())
    step = next(steps)
    assert isinstance(step, Call)
    steps.close()
    return step.request.content


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_rehearsed_is_what_would_be_sent(name: str) -> None:
    """The request is a send's own, but for the reference, which every attempt has anew."""
    message = Message(US, "Grüße", valid_for=600, **media(2))
    request = rehearsed(("names", name), message).after.request
    config = Config.from_mapping(TABLES)

    assert request is not None
    assert _without_reference(sent(config, name, message)) == _without_reference(request.content)


def _without_reference(content: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(content)
    return {key: value for key, value in body.items() if key not in {"tag", "user_data"}}


def test_nothing_private_is_shown() -> None:
    """Neither the differences nor a repr show a whole number or a credential."""
    message = Message("988", "x", options=GROUP)
    found = rehearsed(("carrierx", "wavix"), message)
    whole = repr(rehearsed(("wavix", "other"), Message(US, "x"))) + repr(found)

    assert "canary" not in whole
    assert US not in whole
    assert "+13135550121" not in whole
    assert "+1********21" in whole


def test_numbers_may_be_shown_whole() -> None:
    """Who may see them is the caller's business: they say how a sender is shown."""
    found = rehearsed(("wavix", "other"), Message(US, "x"))

    assert ("the sender becomes '+13135550121' instead of '+13135550100'",) == found.told(str)
