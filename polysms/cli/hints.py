"""What somebody probably meant who used the command in a way that it does not have."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from polysms.config.reading import nearest
from polysms.numbers import is_alphanumeric

HOW_TO_SEND = 'polysms send --to NUMBER "TEXT"'
#: Words for what other commands do.
_ELSEWHERE = {
    **dict.fromkeys(("bulk", "batch", "csv", "many"), "polysms send --csv FILE --text TEXT"),
    **dict.fromkeys(("sms", "text", "message"), HOW_TO_SEND),
    **dict.fromkeys(
        ("status", "get"), "polysms show ID (with a ledger), or fetch ACCOUNT PROVIDER_ID"
    ),
    **dict.fromkeys(("accounts", "config", "validate"), "polysms check"),
    **dict.fromkeys(("server", "serve"), "polysms sandbox"),
}


def hint(arguments: Sequence[str], commands: Collection[str]) -> str | None:
    """Return what was probably meant, None where nothing comes to mind."""
    word, *given = arguments or ("",)
    if word in _ELSEWHERE and word not in commands:
        return f"There is {_ELSEWHERE[word]}"
    if word not in commands and not word.startswith("-"):
        return nearest(word, commands).capitalize()
    if word == "send" and given and not is_alphanumeric(given[0]):
        return f"The recipient is an option: {HOW_TO_SEND}"
    return None
