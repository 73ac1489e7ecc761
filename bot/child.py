"""Runs a command that does not outlive its parent; started by path, it imports nothing of ours.

``python -I child.py PARENT COMMAND…``: the kernel kills the command when the process PARENT ends,
even by SIGKILL. A wrapper, because ``preexec_fn`` may dead-lock in a parent with threads, and the
kernel keeps the wish across ``exec``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the command, unless the parent is gone already.

    Args:
        arguments: The parent's process id, then the command.
    """
    parent, *command = arguments
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the call above.
    if os.getppid() != int(parent):
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
