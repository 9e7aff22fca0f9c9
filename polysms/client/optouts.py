"""Opt-outs as clients handle them: kept in the ledger, heard by keywords, told to providers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from polysms.client.keeping import Consult, Task, Told
from polysms.client.log import log
from polysms.client.records import Records
from polysms.config import Account, Config
from polysms.errors import ConfigError
from polysms.providers.base import Busy, Refused
from polysms.routing.steps import Call, Failure, World

if TYPE_CHECKING:
    from polysms.ledger import Ledger, OptOut
    from polysms.webhooks import Keywords

#: Opt-outs that one round tells each account's provider.
AT_ONCE = 20
#: Seconds for one of them; and how long a provider is left alone that could not be told, at first
#: and at most.
SECONDS = 15.0
REST, LONGEST_REST = 60.0, 3600.0
#: Words that a route has for itself, so that no list can be called so.
_TAKEN = frozenset({"all", "none"})


def lists_of(config: Config) -> dict[str, str]:
    """Return what each route says of opt-outs, by its name."""
    return {name: route.optouts for name, route in config.routes.items()}


def mirrors_of(config: Config) -> tuple[str, ...]:
    """Return the accounts whose providers are to be told of opt-outs."""
    return tuple(name for name, account in config.accounts.items() if account.mirror_optouts)


def keywords_of(config: Config) -> Keywords:
    """Return the words for STOP, START and HELP: the usual ones, and those of a configuration.

    Raises :class:`~polysms.errors.ConfigError` for a word that would mean two things.
    """
    from polysms.webhooks import USUAL, Keywords  # noqa: PLC0415 - only where somebody listens

    words, found = dict(USUAL), Keywords()
    for language, kinds in config.keywords.items():
        words[language] = {**words.get(language, {}), **kinds}
        try:
            found = Keywords(words)
        except ValueError as error:
            key = f"keywords.{language}"
            sentence = str(error).partition(": ")[2]
            raise ConfigError(f"{key}: {sentence} (in {config.where})", key=key) from None
    return found


def list_named(name: str | None) -> str:
    """Return the list of a name, every list for None; raise ConfigError for what is no name."""
    if name is None:
        return ""
    if not isinstance(name, str) or not name.strip() or name.strip().casefold() in _TAKEN:
        sentence = "list: write the name of a list, or leave it out for every list"
        raise ConfigError(sentence, key="list")
    return name.strip()


class Mirror:
    """Tells the providers of accounts that ask for it which numbers have opted out."""

    def __init__(self, config: Config, world: World) -> None:
        self._config = config
        self._world = world
        # When an account may be told again, and how long it is left alone if that fails too.
        self._rests: dict[str, tuple[float, float]] = {}

    def round(self) -> Generator[Task, Told, int]:
        """Yield the tasks of one round; return how many opt-outs providers have noted."""
        told = 0
        for name in mirrors_of(self._config):
            until, _ = self._rests.get(name, (0.0, REST))
            if self._world.clock() >= until:
                told += yield from self._account(self._config.account(name))
        return told

    def _account(self, account: Account) -> Generator[Task, Told, int]:
        waiting: tuple[OptOut, ...] = yield Consult(
            lambda ledger: ledger.optouts.untold(account.name, AT_ONCE)
        )
        for count, optout in enumerate(waiting):
            wrong = yield from self._told(account, optout)
            if wrong is not None:
                self._rest(account, wrong)
                return count
            self._rests.pop(account.name, None)
            yield Consult(partial(_note, optout=optout, account=account.name))
        return len(waiting)

    @staticmethod
    def _told(account: Account, optout: OptOut) -> Generator[Task, Told, str | None]:
        """Yield the steps that tell of one; return why it is to be told again, None for not."""
        adapter: Any = account.adapter
        answer = yield Call(account, adapter.optout_request(optout.number), SECONDS)
        if isinstance(answer, Failure):
            return answer.text
        wrong = adapter.read_optout(answer)
        if isinstance(wrong, Refused) and wrong.reason.stops:
            # It is about this number, and would be the same another time.
            log.warning("account %s refuses an opt-out: %s", account.name, account.hide(wrong.text))
            return None
        return None if wrong is None else _why(wrong)

    def _rest(self, account: Account, why: str) -> None:
        _, seconds = self._rests.get(account.name, (0.0, REST))
        self._rests[account.name] = (
            self._world.clock() + seconds,
            min(seconds * 2, LONGEST_REST),
        )
        log.warning(
            "account %s could not be told of opt-outs, and is again in %g s: %s",
            account.name,
            seconds,
            account.hide(why),
        )


def _note(ledger: Ledger, optout: OptOut, account: str) -> None:
    ledger.optouts.told(optout, account)


def _why(wrong: Any) -> str:
    return str(wrong.text) or ("busy" if isinstance(wrong, Busy) else "unclear")


class Known:
    """The opt-outs of a client's ledger; without one, each method raises ConfigError.

    A number is opted out of one list, or (None) of every list, by one tenant or by all (None).
    """

    def __init__(self, config: Config, records: Records) -> None:
        self._mirrors = mirrors_of(config)
        self._records = records

    def add(
        self,
        number: str,
        list: str | None = None,  # noqa: A002 - the plain word
        *,
        tenant: str | None = None,
        source: str = "api",
    ) -> bool:
        """Send a number nothing more; return whether that is new."""
        named, mirrors = list_named(list), self._mirrors
        optouts = self._records.ledger.optouts
        return optouts.add(number, named, tenant or "", source=source, mirror=mirrors)

    def remove(
        self,
        number: str,
        list: str | None = None,  # noqa: A002
        *,
        tenant: str | None = None,
    ) -> bool:
        """Take a number off a list, or (None) off every list; return whether it was there."""
        named = None if list is None else list_named(list)
        return self._records.ledger.optouts.remove(number, named, tenant or "") > 0

    def has(
        self,
        number: str,
        list: str | None = None,  # noqa: A002
        *,
        tenant: str | None = None,
    ) -> bool:
        """Whether a message of a list, or (None) of any, would be refused."""
        return any(
            one.tenant in {"", tenant or ""} and (list is None or one.list in {"", list})
            for one in self._records.ledger.optouts.of(number)
        )

    def list(
        self,
        list: str | None = None,  # noqa: A002
        *,
        tenant: str | None = None,
    ) -> Iterator[OptOut]:
        """Yield every opt-out, or those of a list or a tenant, a page at a time."""
        return self._records.ledger.optouts.walk(list, tenant)


class OptOuts(Known):
    """The opt-outs of a sync client's ledger, and what providers are told of them."""

    def __init__(
        self,
        config: Config,
        records: Records,
        mirror: Mirror,
        obey: Callable[[Generator[Task, Told, int]], int],
    ) -> None:
        super().__init__(config, records)
        self._mirror = mirror
        self._obey = obey

    def mirror(self) -> int:
        """Tell providers what they are yet to be told, once; return of how many they took note."""
        return self._obey(self._mirror.round()) if self._mirrors else 0
