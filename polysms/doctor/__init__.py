"""What a look at a live account means: readings become findings. Nothing here asks anybody.

Who asks is the client, and the command ``polysms doctor``.
"""

from __future__ import annotations

from polysms.doctor.findings import Finding, Grade, worst

__all__ = ("Finding", "Grade", "worst")
