"""`python -m leuk_core VERB`."""

import sys

from leuk_core.cli import main

sys.exit(main())
