"""A client, a receiver, signals and checks for Django.

::

    INSTALLED_APPS = [..., "polysms.contrib.django"]
    POLYSMS = BASE_DIR / "polysms.toml"  # or a mapping, or a URL

    sms.send(Message("+13135550123", "Your table is ready"))

    urlpatterns = [..., path("sms/", include(urls(receiver)))]
"""

from __future__ import annotations

try:
    import django  # noqa: F401 - said here once, for all of the package
except ModuleNotFoundError as error:
    if error.name != "django":
        raise
    sentence = "polysms.contrib.django needs Django: pip install django"
    raise ModuleNotFoundError(sentence, name="django") from None

from polysms.contrib.django.shared import enqueue, receiver, sms
from polysms.contrib.django.signals import (
    message_received,
    opt_out_received,
    report_received,
    signals,
)
from polysms.contrib.django.views import urls

__all__ = [
    "enqueue",
    "message_received",
    "opt_out_received",
    "receiver",
    "report_received",
    "signals",
    "sms",
    "urls",
]
