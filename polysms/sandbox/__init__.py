"""The guest house: the providers, played over HTTP on one port of this machine.

They are Wavix, CarrierX, SignalWire and Twilio.

It is written from the providers' own documents and imports nothing else of polysms, so that an
adapter's mistake is not repeated here. Nothing reaches a phone. Run ``polysms sandbox``, or::

    with running(behaviour=Behaviour(speed=20)) as sandbox:
        ...  # sandbox.url stands for every provider

**Credentials.** Any non-empty one is good. One that contains ``invalid`` gets the provider's own
401, one that contains ``noscope`` its own 403. All keys of Wavix, and all of CarrierX, belong to
one account; SignalWire and Twilio show a project or account only what it sent itself.

**Recipients.** A message is delivered in about two seconds (divided by ``speed``), and appears in
lists and logs half to one and a half seconds late. The last four digits of a recipient ask for
something else:

====  ==============================================================================
0101  delivered, as any other number
0102  undelivered: the carrier says no
0103  failed; Wavix: rejected
0104  expired at Wavix; no final status at the others
0105  refused: the number is invalid
0106  refused: the recipient has opted out
0107  refused: the balance is too low
0108  429 with ``Retry-After: 1``, not accepted
0109  accepted, then 500
0110  accepted, then no answer at all, for at most two minutes
0111  503 with ``Retry-After: 1``, not accepted
0112  503 without it, not accepted
0113  accepted, then the connection is closed without an answer
0114  accepted, and answered with HTML
0115  accepted, and answered with ``{}``
0116  accepted, and the JSON is cut in the middle
====  ==============================================================================

An MMS of SignalWire ends at ``sent``, whatever its recipient asks for after that.

**Senders.** One that ends in 0198 is not a number of the account; one that ends in 0199 is only a
verified caller ID, which SignalWire and Twilio refuse.

**Control**, for loopback callers only, in JSON: ``GET /_sandbox/health``; ``GET
/_sandbox/messages?to=&offset=&limit=``, every copy accepted, in order, whatever the provider;
``GET /_sandbox/callbacks``, every callback tried or refused; ``GET`` and ``POST
/_sandbox/behaviour``, see :class:`Behaviour`; ``POST /_sandbox/inbound``, a phone writes, see
:mod:`polysms.sandbox.inbound`; ``POST /_sandbox/reset``.

**Not played**: limits per second or per day, media (never fetched). Where a document is silent, a
comment beside the answer says so.
"""

from __future__ import annotations

try:
    from polysms.sandbox.app import create_app
    from polysms.sandbox.behaviour import Behaviour
    from polysms.sandbox.server import running, serve
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    if missing not in {"starlette", "uvicorn"}:
        raise
    sentence = f"polysms.sandbox needs {missing}: pip install 'polysms[server]'"
    raise ModuleNotFoundError(sentence, name=missing) from None

__all__ = ["Behaviour", "create_app", "running", "serve"]
