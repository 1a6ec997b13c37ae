"""`python -m components.serve ...`: as `python -m streamlit ...`, but it ends with the process that started it.

However that process ended (a kill, too), no server is left behind that keeps the port.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from streamlit.web.cli import main

EVERY_S = 0.5


def watch(parent: int) -> None:
    """Wait until `parent` is gone, then end this process as Ctrl+C would."""
    while os.getppid() == parent:
        time.sleep(EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=watch, args=(os.getppid(),), name="leuk-serve-watches", daemon=True).start()
    sys.exit(main(prog_name="streamlit"))
