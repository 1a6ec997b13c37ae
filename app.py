"""The entry of the workbench: the frame, then the page asked for. Run it with `python3 start.py`."""

from components.frame import frame, guard
from components.models import begin_warm_up

with guard():
    page = frame()
    with guard():
        page.run()
with guard():
    begin_warm_up()
