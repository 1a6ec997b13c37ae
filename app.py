"""The frame of the workbench: configuration, navigation, the shared sidebar. Run it with `python3 start.py`."""

import streamlit as st

from components import models
from components.frame import APP_NAME, LOGO, foot, guard, style

st.set_page_config(page_title=APP_NAME, page_icon=str(LOGO), layout="wide", initial_sidebar_state="auto")
style()
with guard():
    page = st.navigation(
        [
            st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
            st.Page("pages/diagnose.py", title="Diagnose", icon=":material/biotech:"),
            st.Page("pages/preprocessing.py", title="Preprocessing", icon=":material/tune:"),
        ]
    )
    with st.sidebar:
        models.choose()
        models.light()
    foot()
    with guard():
        page.run()
with guard():
    models.begin_warm_up()
