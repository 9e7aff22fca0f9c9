"""The adapter and the example of the page on adding a provider, as its reader has them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from polysms.testing.contract import Example

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-provider.md"
_BLOCK = r'^```python title="{}"\n(.*?)^```$'


def written(title: str) -> str:
    """Return a file that the page has its reader write."""
    found = re.search(
        _BLOCK.format(re.escape(title)), PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


def _module(title: str) -> Any:
    """Return a file of the page as a module, known to those who look for its names."""
    module = ModuleType(title.removesuffix(".py"))
    sys.modules[module.__name__] = module
    exec(compile(written(title), title, "exec", dont_inherit=True), vars(module))  # noqa: S102 - our own page
    return module


MODULE = _module("parrot.py")
HEARING = _module("hearing_parrot.py")
_ROW: Example = _module("parrot_example.py").ROW
REPORT = {
    "text_id": "t-1",
    "state": "heard",
    "direction": "outbound",
    "sender": "+13135550100",
    "recipient": "+13135550123",
}
#: The page's example, and what it need not say of an adapter that hears no webhooks.
ROW = attrs.evolve(
    _ROW, where={**_ROW.where, "direction": "direction"}, heard=REPORT, heard_at=("state",)
)
