"""Streamlit pieces used by more than one page."""
