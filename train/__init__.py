"""Command line for training: `python -m train VERB`. Needs leuk_core only, never streamlit."""
