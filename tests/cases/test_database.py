"""One database for several rooms of the program."""

import os
import subprocess
import sys

ORDER = """
from leuk_core.cases import create_case
create_case("Ada", "case A")
from leuk_core.jobs import list_jobs
print(list_jobs())
"""


def test_a_room_that_is_entered_later_finds_its_tables(tmp_path):
    environment = {**os.environ, "LEUK_DATA_DIR": str(tmp_path)}
    environment.pop("LEUK_DATABASE_URL", None)
    done = subprocess.run([sys.executable, "-c", ORDER], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
