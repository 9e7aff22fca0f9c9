"""The command ``polysms``; what it needs (the extra ``cli``) is loaded when it is run.

Exit codes: 0 done; 2 usage, configuration, or a message that is wrong in itself; 3 surely not
sent, or a look-up that got no answer; 4 may have been sent. No traceback reaches the user, unless
``POLYSMS_DEBUG=1`` asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

_USAGE = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command with these arguments (those of the process), and end the process."""
    try:
        from polysms.cli.app import run  # noqa: PLC0415 - an extra may be missing
    except ModuleNotFoundError as error:
        sentence = f"the command needs {error.name}: pip install 'polysms[cli]'"
        print(sentence, file=sys.stderr)  # noqa: T201 - Rich, which would print it, may be missing
        sys.exit(_USAGE)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
