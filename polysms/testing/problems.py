"""What ends a test because it goes where no test may, or asks what nobody knows."""

from __future__ import annotations


class Blocked(BaseException):
    """A test was about to reach a real provider; nothing has left this machine.

    It is no :class:`Exception`: those are swallowed in many places. ``account`` and ``host`` are
    whom it was about to reach.
    """

    def __init__(self, account: str | None, host: str) -> None:
        whose = "polysms" if account is None else f"the account {account!r} of polysms"
        super().__init__(
            f"{whose} was about to open a connection to {host}, and this is a test; "
            "nothing has left. Ask for the fixture `polysms_outbox`, which sends nothing; or let "
            "the sandbox play the provider (POLYSMS_SANDBOX, polysms.sandbox.running()); or, to "
            "reach the real one, mark the test with @pytest.mark.polysms_live"
        )
        self.account = account
        self.host = host


class NoAnswer(BaseException):
    """A test needs an answer that nobody knows; nothing has left this machine.

    It is no :class:`Exception`: it would be taken for a provider's trouble.
    """
