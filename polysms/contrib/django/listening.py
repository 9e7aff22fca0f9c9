"""The receiver of ``settings.POLYSMS`` for commands: ``--listen polysms.contrib.django.listening``.

The whole of it: ``polysms worker --listen polysms.contrib.django.listening:receiver``, with
``DJANGO_SETTINGS_MODULE`` in the environment.
"""

from __future__ import annotations

import django

from polysms.contrib.django import receiver

__all__ = ["receiver"]

django.setup()
