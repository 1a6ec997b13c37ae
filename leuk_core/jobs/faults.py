"""How a job's process ended, in one sentence."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator

from leuk_core.errors import LeukError

UNEXPECTED = "Something happened that this program did not expect: the log says what."
NO_ROOM = "The disk is full: free some space, then try again; what is finished is kept."
NO_MEMORY = (
    "Memory ran out: close other programs, or choose a smaller model, batch or preset, then try again; "
    "what is finished is kept."
)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} if hasattr(errno, "EDQUOT") else {errno.ENOSPC, errno.EFBIG}
_FULL_WORDS = ("No space left on device", "os error 28", "Disk quota exceeded", "database or disk is full")


def sentence(error: BaseException) -> str:
    """Return what to tell a person about an error that ended a work.

    Examples
    --------
    >>> sentence(OSError(28, "No space left on device"))
    'The disk is full: free some space, then try again; what is finished is kept.'
    """
    chain = list(_chain(error))
    if any(_full(each) for each in chain):
        return NO_ROOM
    if isinstance(error, LeukError):
        return str(error)
    if any(isinstance(each, MemoryError) or type(each).__name__ == "ResourceExhaustedError" for each in chain):
        return NO_MEMORY
    return UNEXPECTED


def exit_sentence(code: int) -> str:
    """Return what to tell a person about a process that ended without a word.

    Parameters
    ----------
    code : int
        As `subprocess` gives it: negative where a signal ended the process.

    Examples
    --------
    >>> exit_sentence(-9)
    'Its process was ended from outside by signal 9 (SIGKILL), as a system does when memory runs out: try again to go
    on from what is finished.'
    """
    if code >= 0:
        return f"Its process ended without a word (exit code {code}): the log may say why."
    try:
        name = f"{-code} ({signal.Signals(-code).name})"
    except ValueError:
        name = str(-code)
    if name.endswith(("(SIGSEGV)", "(SIGBUS)", "(SIGILL)", "(SIGFPE)", "(SIGABRT)")):
        return f"Its process broke down in a library, by signal {name}: the log may say where."
    why = ", as a system does when memory runs out" if name.endswith("(SIGKILL)") else ""
    return f"Its process was ended from outside by signal {name}{why}: try again to go on from what is finished."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS)
