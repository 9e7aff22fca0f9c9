"""``python -m polysms`` is the command ``polysms``."""

from __future__ import annotations

from polysms.cli import main

if __name__ == "__main__":
    main()
