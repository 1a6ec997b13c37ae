"""Library behind the leukemia blood-smear workbench. Importing it loads neither TensorFlow nor Streamlit."""

from pathlib import Path

__version__ = "0.1.0"

PROJECT_ROOT = Path(__file__).resolve().parent.parent
RESEARCH_ONLY = "Research use only. Not for diagnosis."
