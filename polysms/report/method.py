"""How a comparison was made, in plain words, and what it takes for granted."""

from __future__ import annotations


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n"))


METHOD = _paragraphs(
    """
    Every message belongs to the account to which chance gave it first (intention to treat). What
    another account rescued afterwards is shown, and never counts for either.

    Delivered is what the account's provider reported delivered, of all messages that it was given:
    refused, failed and silent ones stay in the denominator. Pending ones count for as long as they
    have been followed (Kaplan and Meier, 1958; Greenwood, 1926).

    An interval of a share is Wilson's (1927), with the number of settled messages that would tell
    as much (Dorey and Korn, 1987). Of a difference it is Newcombe's (1998).

    Accounts are compared within country, kind and number of segments, and the differences are
    averaged with the weights of Mantel and Haenszel (1959); the test is that of Cochran, Mantel
    and Haenszel. So a difference between countries cannot pass for one between accounts.

    By when a share had arrived: the moments at which the curve's interval holds that share (after
    Brookmeyer and Crowley, 1982). Which one's texts arrive sooner: the log-rank test (Mantel,
    1966), within strata.

    With more than two accounts the p-values are corrected for the number of pairs (Holm, 1979). A
    difference is called shown where the corrected p-value and the interval agree; else "no
    difference shown", which does not say that there is none.

    What a delivered text cost is what all sent texts cost, shared among the delivered.
    """
)

ASSUMPTIONS = _paragraphs(
    """
    The provider's reports are true. What your own application confirms does not need that.

    Messages are independent of each other. On a route that keeps recipients at their accounts only
    the recipients are; the messages to one may be alike.

    How old a message is has nothing to do with how it fares: old ones tell how young ones will
    end. Where a provider changed under way, look at the times before and after apart.

    Chance alone decided who was given which message. Whether that held is tested, and warned of.

    How many messages there would be, and when to look, was settled before. Who looks often goes by
    the interval that holds for any number of looks.
    """
)
