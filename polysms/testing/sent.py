"""What was sent, which of it is meant, and how it is told in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import attrs

from polysms.delivery import Delivery, Outcome
from polysms.message import Message
from polysms.numbers import same
from polysms.providers.base import JSON, Request

_LONGEST = 80


def shown(number: str) -> str:
    """Return a number with its last four digits: enough to tell a test's own numbers apart."""
    return f"…{number[-4:]}" if number[-4:].isdigit() and len(number) > 4 else number


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


@attrs.frozen(kw_only=True, eq=False)
class Sent:
    """One try to send a message, as it went to a provider.

    ``to`` and ``text`` are what went out, after rails have redirected it; ``recipients`` all whom
    it would reach. ``request`` is the provider's own request, which the adapter has built (its
    ``repr`` hides everything), ``outcome`` and ``why`` tell what came of it.
    """

    to: str
    recipients: tuple[str, ...]
    text: str
    from_: str | None
    media: tuple[str, ...]
    account: str
    provider: str
    key: str | None
    tag: str | None
    message: Message
    request: Request
    reference: str
    outcome: Outcome
    why: str
    ask: Callable[[Sent], Delivery] = attrs.field(repr=False)

    @property
    def delivery(self) -> Delivery:
        """The delivery of its message, as far as it has come by now."""
        return self.ask(self)

    @property
    def body(self) -> Any:
        """The body of the request: JSON as data, a form as a mapping, else its bytes."""
        content = self.request.content
        kind = next((v for k, v in self.request.headers.items() if k.lower() == "content-type"), "")
        if kind.startswith(JSON):
            return json.loads(content)
        return dict(parse_qsl(content.decode())) if "form-urlencoded" in kind else content

    def told(self) -> str:
        """Return it in words."""
        whom = ", ".join(map(shown, self.recipients))
        media = f" with {len(self.media)} media" if self.media else ""
        labels = [f"{name}={getattr(self, name)!r}" for name in ("key", "tag")]
        known = [label for label in labels if not label.endswith("=None")]
        more = f" ({', '.join(known)})" if known else ""
        end = "" if self.outcome is Outcome.ACCEPTED else f": {self.why}"
        return f"to {whom}: {_quoted(self.text)}{media}{more}, by {self.account}{end}"

    def __repr__(self) -> str:
        return f"<Sent {self.told()}>"


def _is_to(sent: Sent, to: str) -> bool:
    return any(same(one, to) for one in sent.recipients)


_TESTS: Mapping[str, Callable[[Sent, Any], bool]] = {
    "to": _is_to,
    "contains": lambda sent, part: part in sent.text,
    "text": lambda sent, text: sent.text == text,
    "from_": lambda sent, name: name == sent.from_,
    "via": lambda sent, name: name in {sent.account, sent.provider},
    "key": lambda sent, key: sent.key == key,
    "tag": lambda sent, tag: sent.tag == tag,
}


@attrs.frozen(kw_only=True)
class Wanted:
    """Which messages are meant; what is None does not matter."""

    to: str | None = None
    contains: str | None = None
    text: str | None = None
    from_: str | None = None
    via: str | None = None
    key: str | None = None
    tag: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What matters."""
        facts = attrs.asdict(self)
        return {name: value for name, value in facts.items() if value is not None}

    def missed(self, sent: Sent) -> list[str]:
        """Return the names of what is not so of a message: none where it is meant."""
        return [name for name, value in self.given.items() if not _TESTS[name](sent, value)]

    def nearest(self, tries: list[Sent]) -> Sent | None:
        """Return the one of which most is so, None where nothing is so of any."""
        if not tries:
            return None
        best = min(tries, key=lambda sent: len(self.missed(sent)))
        return best if len(self.missed(best)) < len(self.given) else None

    def told(self) -> str:
        """Return it in words."""
        return "".join(_WORDS[name].format(_value(name, value)) for name, value in _sorted(self))


def _sorted(wanted: Wanted) -> list[tuple[str, Any]]:
    return [(name, wanted.given[name]) for name in _WORDS if name in wanted.given]


def _value(name: str, value: Any) -> str:
    return shown(value) if name == "to" else _quoted(value)


_WORDS = {
    "to": " to {}",
    "contains": " that contains {}",
    "text": " with the text {}",
    "from_": " from {}",
    "via": " by {}",
    "key": " with key={}",
    "tag": " with tag={}",
}


def difference(wanted: Wanted, sent: Sent) -> str:
    """Return in words what keeps a message from being the one that is meant."""
    found = {"contains": sent.text, "via": sent.account}
    parts = []
    for name in wanted.missed(sent):
        is_one = found.get(name, getattr(sent, name, None))
        said = _value(name, is_one) if isinstance(is_one, str) else repr(is_one)
        what = {"contains": "text", "from_": "from", "via": "account"}.get(name, name)
        parts.append(f"its {what} is {said}")
    return ", ".join(parts)
