"""The environment of what a campaign starts: nobody measures what it covers.

Who is killed could not tell, and measuring takes as long again as the campaign.
"""

from __future__ import annotations

import os


def environment(**more: str) -> dict[str, str]:
    """Return the environment, with more in it, without what makes Python measure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, **more}
