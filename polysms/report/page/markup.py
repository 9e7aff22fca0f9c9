"""Markup that cannot forget to escape: every text is escaped unless it is known to be markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

#: Characters without a picture, and those that turn the direction of what follows.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Markup(str):
    """HTML that is safe to be put on a page as it is."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Return a text as HTML shows it; what nobody sees becomes a replacement character."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_UNSEEN.sub("\ufffd", text), quote=True))


def joined(parts: Iterable[str]) -> Markup:
    """Return parts in a row, each escaped unless it is markup."""
    return Markup("".join(escaped(part) for part in parts))


def tag(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element. ``class_`` is ``class``, ``text_anchor`` is ``text-anchor``.

    An attribute that is None is left out.
    """
    told = "".join(
        f' {_attribute(key)}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{told}>{joined(children)}</{name}>")


def code(sentence: str) -> Markup:
    """Return a sentence in which commands between backticks are code."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:
        return escaped(sentence)
    return joined(tag("code", part) if place % 2 else part for place, part in enumerate(parts))


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    # Two digits of a percent are less than a pixel.
    return escaped(value) if isinstance(value, str) else f"{round(value, 2):g}"
