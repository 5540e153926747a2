"""A child that does not outlive its parent, where the kernel offers it (Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded here, since nothing may be imported between fork and exec.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with_parent(by: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn` for Popen: the kernel sends `by` to the child when the parent ends, however it ends.

    The kernel means the parent's *thread*: start such a child only from a thread that lives as long
    as the child should. None where there is no such call: there a parent that is killed with -9
    leaves its children.
    """
    libc = _libc
    if libc is None:
        return None
    parent = os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
        if os.getppid() != parent:  # it ended between the fork and the call above
            os._exit(1)

    return ask_the_kernel
