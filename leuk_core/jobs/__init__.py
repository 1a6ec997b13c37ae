"""Long work beside the application: a table of jobs, and workers that run each in a process of its own."""

from leuk_core.jobs.device import Device, found_device
from leuk_core.jobs.leases import WorkerFacts, list_workers
from leuk_core.jobs.progress import Cancelled, JobProgress, Tell, read_progress
from leuk_core.jobs.schema import Job, JobState
from leuk_core.jobs.table import cancel, find, list_jobs, retry, submit

__all__ = [
    "Cancelled",
    "Device",
    "Job",
    "JobProgress",
    "JobState",
    "Tell",
    "WorkerFacts",
    "cancel",
    "find",
    "found_device",
    "list_jobs",
    "list_workers",
    "read_progress",
    "retry",
    "submit",
]
