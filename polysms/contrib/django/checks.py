"""What ``manage.py check`` says of ``settings.POLYSMS``: a sentence and a remedy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's names
from django.urls import get_resolver

from polysms import ConfigError
from polysms.contrib.django.shared import KINDS, receiver, sms
from polysms.contrib.django.views import served


def check_settings(**_: Any) -> list[CheckMessage]:
    """Tell what is wrong with the configuration; no provider is asked."""
    try:
        config = sms.config
    except ConfigError as error:
        remedy = f"settings.POLYSMS is {KINDS}; `polysms check` explains the keys"
        return [Error(str(error), hint=remedy, id="polysms.E001")]
    if getattr(settings, "ROOT_URLCONF", None):
        _ = get_resolver().url_patterns  # they are imported, and served is known
    heard = [config if one is receiver else one.client.config for one in served]
    return [
        Warning(sentence, hint=remedy, id=id_)
        for key, sentence, remedy, id_ in _WANTED
        if any(getattr(one, key) is None for one in heard)
    ]


_WANTED = (
    (
        "public_url",
        "there is no public_url, so webhooks cannot be taken",
        'set public_url to the address of your include(urls(receiver)), as "https://.../sms"',
        "polysms.W001",
    ),
    (
        "ledger",
        "there is no ledger, so what your functions do not take is not told again",
        'set ledger to the address of a database, as "postgresql://..."',
        "polysms.W002",
    ),
)
