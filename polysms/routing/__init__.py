"""Decisions, and nothing but decisions: no socket, no clock, no randomness of its own.

:func:`~polysms.routing.deliver.deliver` is a generator of steps. It yields what it wants done and
is sent what came of it::

    Write(attempt)                 write this attempt down      <- None
    Call(account, request, ...)    make this request            <- a Response or a Failure
    Wait(seconds)                  wait                         <- None

It returns a Delivery or raises one of the errors of a send. Failures come to it as values, never
as exceptions, so the sync and the async client obey the same decisions in about ten lines each,
and a whole route can be tested by stepping it, without HTTP and without a clock.
"""
