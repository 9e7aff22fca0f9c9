"""Doors for web frameworks: each hands what is posted to a receiver, and decides nothing."""

from __future__ import annotations
