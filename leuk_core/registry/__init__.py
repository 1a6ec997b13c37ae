"""Which model versions are installed, what is known of them, and their files. Imports neither TensorFlow nor Keras."""

from leuk_core.registry.versions import (
    ClassCard,
    ModelVersion,
    Task,
    current_version,
    find_version,
    installed_tasks,
    list_candidates,
    list_versions,
    load_task,
    task_of,
)

__all__ = [
    "ClassCard",
    "ModelVersion",
    "Task",
    "current_version",
    "find_version",
    "installed_tasks",
    "list_candidates",
    "list_versions",
    "load_task",
    "task_of",
]
