"""The clients: the only rooms that touch HTTP, files and the environment."""

from __future__ import annotations

from polysms.client.aio import AsyncClient
from polysms.client.sync import Client

__all__ = ["AsyncClient", "Client"]
