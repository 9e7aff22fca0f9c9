"""The app, for INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.core.signals import setting_changed

from polysms.contrib.django import shared
from polysms.contrib.django.checks import check_settings


class PolysmsConfig(AppConfig):  # type: ignore[misc]
    """Adds the checks; there are no models."""

    name = "polysms.contrib.django"
    label = "polysms"
    verbose_name = "polysms"

    def ready(self) -> None:
        """Join the checks, and follow the settings of tests."""
        checks.register(check_settings, "polysms")
        setting_changed.connect(shared.setting_changed)
