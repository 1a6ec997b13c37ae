"""The colours of every chart: told apart by colour-blind people, on a light and on a dark ground.

Found by a search over calm colours: at least 3:1 against the grounds of both themes (WCAG 2.2, 1.4.11), and
at least 20 apart in CIELAB as seen with protanopia and with deuteranopia (Machado et al. 2009). tests/test_palette.py
measures it. A colour never stands alone: form, dashes or words say the same.
"""

SERIES = ("#2f7fb8", "#ce8202", "#37a583", "#877bf6", "#b53d08", "#7c5a7e", "#94984e", "#845d42")
"""In the order of use; the first is the accent of the pages."""

GREY = "#7f7f7f"
"""Lines of reference."""
