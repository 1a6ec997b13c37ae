"""`python -m train jobs`: which jobs there are, and how far each is."""

import argparse
import json

from leuk_core.jobs import Job, list_jobs, read_progress


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("jobs", help="list jobs, the newest first")
    parser.add_argument("--json", action="store_true", help="all that is known, a line of JSON a job")
    parser.add_argument("--limit", type=int, default=20, help="how many (20)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints a line a job."""
    for job in list_jobs(args.limit):
        print(json.dumps(facts(job), ensure_ascii=False) if args.json else line(job), flush=True)
    return 0


def facts(job: Job) -> dict[str, object]:
    """Return what is known of a job, as JSON holds it."""
    far = read_progress(job, lines=0)
    times = {name: getattr(job, name) for name in ("created", "started", "ended", "heartbeat")}
    return {
        "id": job.id, "kind": job.kind, "state": job.state, "attempt": job.attempt, "message": job.message,
        "step": far.step, "words": far.words, "done": far.done, "total": far.total, "seconds_left": far.seconds_left,
        "worker": job.worker, "device": job.device, "request": job.request,
        **{name: at and at.isoformat(timespec="seconds") for name, at in times.items()},
    }  # fmt: skip


def line(job: Job) -> str:
    """Return a job in one line for people."""
    far = read_progress(job, lines=0)
    count = f"{far.words} {far.done} of {far.total}" if far.total else ""
    left = _left(far.seconds_left)
    now = [] if job.over else [far.step, count, left]
    return "  ".join([job.id, f"{job.state:<11}", *filter(None, [*now, job.message])])


def _left(seconds: float | None) -> str:
    """Return the time left in words.

    Examples
    --------
    >>> _left(40.2), _left(600), _left(None)
    ('about 40 s left', 'about 10 min left', '')
    """
    if seconds is None:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"
