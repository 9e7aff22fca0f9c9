"""What an account looks like: a letter, a shape, a line and a colour, the same in every picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from polysms.report.page.markup import Markup, escaped, tag

#: Shapes around 0, as heavy as each other to the eye.
_SHAPES = (
    "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0Z",
    "M-5 -5H5V5H-5Z",
    "M0 -7L7 0L0 7L-7 0Z",
    "M0 -6.5L6.5 5H-6.5Z",
    "M0 6.5L6.5 -5H-6.5Z",
    "M-2 -6.5H2V-2H6.5V2H2V6.5H-2V2H-6.5V-2H-2Z",
    "M-6.5 0L-3.2 -5.7H3.2L6.5 0L3.2 5.7H-3.2Z",
    "M0 -7.5L2 -2.4L7.1 -2.3L3 0.9L4.5 6L0 3L-4.5 6L-3 0.9L-7.1 -2.3L-2 -2.4Z",
)
_DASHES = (None, "9 4", "2 3", "10 3 2 3", "5 3", "14 4", "1 4", "10 3 2 3 2 3")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@attrs.frozen(kw_only=True)
class Look:
    """How an account is drawn. ``ink`` is a class that sets its colour."""

    account: str
    letter: str
    ink: str
    shape: str
    dash: str | None

    def mark(self, x: float | str, y: float | str, *, is_hollow: bool = False) -> Markup:
        """Return its shape at a place of a picture; hollow where nothing is shown."""
        shape = tag("path", d=self.shape, class_="mark hollow" if is_hollow else "mark")
        place = {"x": _length(x), "y": _length(y)}
        return tag("svg", shape, class_=f"at {self.ink}", width="1", height="1", **place)

    def key(self) -> Markup:
        """Return its shape and letter, as they stand beside its name."""
        shape = tag("path", d=self.shape, class_="mark", transform="translate(9 10)")
        drawn = tag("svg", shape, width=18, height=20, class_=self.ink, aria_hidden="true")
        return tag("span", drawn, tag("b", self.letter), class_="key")

    def name(self) -> Markup:
        """Return its key and its name."""
        return tag("span", self.key(), " ", tag("bdi", self.account), class_="name")


def _length(value: float | str) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}%"


def looks(accounts: Sequence[str]) -> Mapping[str, Look]:
    """Return how each account is drawn, by its place among them."""
    return {
        account: Look(
            account=account,
            letter=letters(place),
            ink=f"ink{place % len(_SHAPES)}",
            shape=_SHAPES[place % len(_SHAPES)],
            dash=_DASHES[place % len(_DASHES)],
        )
        for place, account in enumerate(accounts)
    }


def letters(place: int) -> str:
    """Return the letter of a place: A, B, ... Z, AA, AB."""
    before, rest = divmod(place, len(_LETTERS))
    return (letters(before - 1) if before else "") + _LETTERS[rest]


def short(name: str, most: int = 16) -> str:
    """Return a name for where there is little room."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def described(title: str, words: str) -> tuple[Markup, Markup]:
    """Return what a picture is called and what it shows, for those who do not see it."""
    return tag("title", title), tag("desc", escaped(words))
