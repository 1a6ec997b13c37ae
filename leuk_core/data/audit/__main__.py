"""`python -m leuk_core.data.audit FOLDER`: the process in which an audit that a page started runs."""

import os
import sys
from pathlib import Path

from leuk_core.data.audit.background import work

if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # the pages go first
    work(Path(sys.argv[1]))
