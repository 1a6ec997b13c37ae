"""The parts of the page Smear that are drawn in the browser, by one script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_JS = (_HERE / "smear.js").read_text("utf-8")
_HTML, _CSS = '<div class="smear"></div>', (_HERE / "smear_parts.css").read_text("utf-8")

PARTS: dict[str, Any] = {
    "gallery": st.components.v2.component("leuk_smear_gallery", html=_HTML, css=_CSS, js=_JS),
    "field": st.components.v2.component("leuk_smear_field", html=_HTML, css=_CSS, js=_JS),
    # the same text is the same module in the browser: these two only bring pictures, which Streamlit sends once
    "picture": st.components.v2.component("leuk_smear_picture", js=_JS),
    "thumbnails": st.components.v2.component("leuk_smear_thumbnails", js=_JS),
}
