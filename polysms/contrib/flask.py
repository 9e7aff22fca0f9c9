"""A receiver in a Flask app.

::

    app.register_blueprint(blueprint(receiver), url_prefix="/sms")
"""

from __future__ import annotations

try:
    from flask import Blueprint, Response, request
except ModuleNotFoundError as error:
    if error.name != "flask":
        raise
    sentence = "polysms.contrib.flask needs Flask: pip install flask"
    raise ModuleNotFoundError(sentence, name="flask") from None

from polysms.contrib.carrying import bounded, carried_in, headers_out
from polysms.providers.hearing import LARGEST
from polysms.server import Receiver

__all__ = ["blueprint"]

#: Where a webhook may be: at the blueprint itself (a probe), or anywhere below it.
_RULES = ("/", "/<path:inside>")


def blueprint(receiver: Receiver, name: str = "polysms") -> Blueprint:
    """Return a blueprint that hands what is posted to a receiver.

    A second one in the same app needs another ``name``.
    """

    def hear(inside: str = "") -> Response:
        query = request.query_string.decode("latin-1")
        asked = carried_in(request.method, inside, query, request.headers.items(), _body())
        answer = receiver.handle(asked, request.remote_addr)
        response = Response(answer.body, answer.status)
        # Not Flask's own content type: some answers have none.
        del response.headers["content-type"]
        response.headers.update(headers_out(answer))
        return response

    made = Blueprint(name, __name__)
    for rule in _RULES:
        made.add_url_rule(
            rule,
            endpoint="hear",
            view_func=hear,
            methods=("GET", "POST"),
            provide_automatic_options=False,
            # A probe of the address itself is answered, and not sent to another.
            strict_slashes=False,
        )
    return made


def _body() -> bytes:
    length = request.content_length
    if length is None or length > LARGEST:
        return bounded(request.stream.read)
    # Whoever has read it before us has left it here.
    return request.get_data()
