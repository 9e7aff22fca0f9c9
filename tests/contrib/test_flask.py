"""What is particular to Flask."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask import request as flask_request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from polysms.contrib.flask import blueprint
from polysms.providers.hearing import LARGEST
from tests.contrib.conftest import PREFIX, pieces
from tests.server.conftest import Made, made
from tests.server.test_receiver import inbound
from tests.webhooks.forms import FORMS

pytestmark = pytest.mark.one_python

__all__ = ["made"]


def test_body_that_was_read_before(made: Made) -> None:
    """An app that has read the body leaves it as it came."""
    house = made("sync")
    app = Flask("shop")
    app.register_blueprint(blueprint(house.receiver), url_prefix=PREFIX)
    app.before_request(lambda: flask_request.get_data() and None)
    _, target, headers = pieces(request := inbound(house))

    found = app.test_client().post(target, headers=headers, data=request.body)
    assert 200 == found.status_code


class Endless(io.RawIOBase):
    """A body without end, which counts what was read of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        view[:] = bytes(len(view))
        self.taken += len(view)
        return len(view)


def test_body_without_a_length(made: Made) -> None:
    """Of a body whose length nobody has told no more is read than that it is too large."""
    house, body = made("sync"), Endless()
    app = Flask("shop")
    app.register_blueprint(blueprint(house.receiver), url_prefix=PREFIX)
    environ = EnvironBuilder(f"{PREFIX}/wavix/any", method="POST").get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": body, "wsgi.input_terminated": True}

    assert "413 REQUEST ENTITY TOO LARGE" == run_wsgi_app(app, environ)[1]
    assert LARGEST < body.taken < 2 * LARGEST


@pytest.mark.parametrize("path", [PREFIX, f"{PREFIX}/nobody//nothing/"])
def test_no_redirect(made: Made, path: str) -> None:
    """A probe is answered where it came, and not sent to a nicer address."""
    app = Flask("shop")
    app.register_blueprint(blueprint(made("sync").receiver), url_prefix=PREFIX)

    assert 200 == app.test_client().get(path).status_code


def test_two_receivers(made: Made) -> None:
    """An app may have two of them, by two names."""
    app = Flask("shop")
    first, second = made("sync"), made("sync")
    app.register_blueprint(blueprint(first.receiver), url_prefix="/one")
    app.register_blueprint(blueprint(second.receiver, name="second"), url_prefix=PREFIX)
    heard = (first.listen(), second.listen())
    form = FORMS["signalwire report"]
    _, target, headers = pieces(request := form.request(first.config.account("signalwire")))
    app.test_client().post(target, headers=headers, data=request.body)

    assert (0, 1) == tuple(map(len, heard))
