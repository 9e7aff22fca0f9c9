"""The clients: the only rooms that touch HTTP, files and the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polysms.client.aio import AsyncClient
    from polysms.client.sync import Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> object:
    # Each when first used: a sync program need not load asyncio.
    if name == "Client":
        from polysms.client.sync import Client  # noqa: PLC0415

        return Client
    if name == "AsyncClient":
        from polysms.client.aio import AsyncClient  # noqa: PLC0415

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
