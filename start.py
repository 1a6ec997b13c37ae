"""Start the workbench with one command: `python3 start.py`. It needs Python and nothing else.

Only the standard library is used. Until a fitting Python is found, this file runs under whatever Python it was called
with, so that its syntax stays that of Python 3.6; the work is then handed to the Python that was found. Everything is
installed into the folder `.venv` beside this file, once, and again only when a lock file has changed.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "leuk-installed.json"
WHEELS = ROOT / "wheels"

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED = "TensorFlow 2.21 needs Python 3.11, 3.12 or 3.13 with 64 bits"
RUNTIME, TESTS, GPU = "requirements.lock", "requirements-dev.lock", "requirements-gpu.lock"
ROOM_PER_MEGABYTE = 5.5  # the package, pip's copy of it, and what it unpacks to (3.5 MB a MB, measured on Linux)
READY_WITHIN_S = 120
REPLACED_AFTER_S = 10
VERBS = "prepare: only install; test: run the tests; worker: one more worker for trainings"

# What any Python, however old, says about itself.
PROBE = """
import json, platform, sys
lacks = []
for name in ("venv", "ensurepip", "ssl"):
    try:
        __import__(name)
    except ImportError:
        lacks.append(name)
try:
    import sysconfig
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
except ImportError:
    free_threaded = False
print(json.dumps({"path": sys.executable, "version": list(sys.version_info[:3]), "bits": 64 if sys.maxsize > 2**32
    else 32, "kind": platform.python_implementation(), "free_threaded": free_threaded, "lacks": lacks}))
"""

# What pip or venv prints, and what that means. The first that is found counts.
FAILURES = {
    r"No space left on device|Errno 28\b|WinError 112|Disk quota exceeded|Errno 122\b": (
        "The disk that holds {root} is full: free some space, then run this again."
    ),
    r"Windows Long Path support": (
        "Windows refuses the long file names of TensorFlow: allow long paths in its settings, or move this folder to a "
        "short path like C:/leuk, then run this again."
    ),
    r"DO NOT MATCH THE HASHES": (
        "A loaded package differs from the one that the lock file names, so it was not installed: run this again, and "
        "if it stays so, ask whoever runs your package mirror."
    ),
    r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError": (
        "The package registry's certificate is not trusted here, as happens behind a proxy that opens HTTPS: name your "
        "organisation's certificate file in PIP_CERT, then run this again."
    ),
    r"Retrying \(Retry|Connect(ion|Timeout)\w*Error|ReadTimeoutError|Read timed out|ProxyError|ProtocolError|"
    r"IncompleteRead|name resolution|getaddrinfo failed|Network is unreachable|HTTP error 5\d\d": (
        "No package registry can be reached: check the network, the proxy (HTTPS_PROXY) or the mirror (PIP_INDEX_URL), "
        "then run this again."
    ),
    r"Permission denied|Errno 13\b|WinError 5\b|Read-only file system|Errno 30\b": (
        "This account may not write into {root}: move the folder to a place of your own, then run this again."
    ),
    r"No matching distribution found for (?P<package>\S+)": (
        "There is no {package} to be had for this machine ({machine}): check the mirror (PIP_INDEX_URL) or the folder "
        "`wheels`; on Linux, glibc 2.28 or newer is needed."
    ),
    r"ensurepip is not available|No module named '?(ensurepip|venv)": (
        "This Python lacks its modules `venv` and `ensurepip`: on Debian or Ubuntu install the package python3-venv, "
        "elsewhere a Python from https://www.python.org, then run this again."
    ),
}


class Refusal(Exception):
    """What keeps the program from starting, in words for the person who started it."""


def say(text):
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


# ---------------------------------------------------------------------------------------------- a fitting Python


def candidates():
    """Yield the commands that may be a fitting Python, the one that runs this first."""
    if sys.executable:
        yield [sys.executable]
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if sys.platform == "darwin":
        folders += ["/opt/homebrew/bin", "/usr/local/bin"]
        folders += [f"/Library/Frameworks/Python.framework/Versions/{name[6:]}/bin" for name in names]
    for name in [*names, "python3", "python"]:
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found:
            yield [found]
    if os.name == "nt" and shutil.which("py"):
        for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
            yield ["py", f"-3.{minor}"]


def probe(command):
    """Ask a Python what it is; None where it does not run."""
    try:
        done = subprocess.run(
            [*command, "-c", PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=clean_environment(),
            timeout=60,
            check=False,
        )
        return json.loads(done.stdout.decode("utf-8").strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None


def fault_of(python):
    """Say why a probed Python does not fit; an empty string where it does."""
    version = tuple(python["version"])
    if version[:2] < OLDEST:
        return "too old"
    if version[:2] > NEWEST:
        return "too new for TensorFlow"
    if python["kind"] != "CPython":
        return "{} instead of CPython".format(python["kind"])
    if python["bits"] != 64:
        return "32 bits"
    if python["free_threaded"]:
        return "a free-threaded build"
    if python["lacks"]:
        return "without its module{} {}".format("s" * (len(python["lacks"]) > 1), " and ".join(python["lacks"]))
    return ""


def find_python(commands=None):
    """Return the path of a Python that fits.

    Raises
    ------
    Refusal
        If there is none; it names each Python that was found and what is wrong with it.
    """
    found = collections.OrderedDict()
    for command in commands if commands is not None else candidates():
        python = probe(command)
        if python is None or python["path"] in found or Path(python["path"]).parent == VENV_PYTHON.parent:
            continue
        fault = fault_of(python)
        if not fault:
            return python["path"]
        found[python["path"]] = (python, fault)
    listed = "; ".join(
        "{} is {}, {}".format(path, ".".join(map(str, python["version"])), fault)
        for path, (python, fault) in found.items()
    )
    lacking = [python for python, fault in found.values() if fault.startswith("without")]
    if lacking:
        package = "python{}.{}-venv".format(*lacking[0]["version"])
        advice = f"On Debian or Ubuntu run `sudo apt install {package}`; elsewhere install Python 3.12 from python.org"
    else:
        advice = "Install Python 3.12, from https://www.python.org or your system's packages"
    raise Refusal(f"{NEEDED}, and none was found ({listed or 'no Python at all'}). {advice}, then run this again.")


def venv_fits():
    """Tell whether `.venv` holds a Python of a fitting version that still runs."""
    if not VENV_PYTHON.exists():
        return False
    python = probe([str(VENV_PYTHON)])
    return python is not None and fault_of(dict(python, lacks=[])) == ""


def clean_environment(**more):
    """Return the environment without what would mix another Python's packages into this one."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", **more)
    return environment


# ------------------------------------------------------------------------------------------------------ installing


def machine():
    """Name this system and processor as the lock files do, for example `linux-x86_64`."""
    processor = platform.machine().lower()
    if processor in ("x86_64", "amd64"):
        processor = "amd64" if os.name == "nt" else "x86_64"
    return f"{platform.system().lower()}-{processor}"


def download_megabytes(lock):
    """Read from the head of a lock file how much this machine has to load for it.

    Raises
    ------
    Refusal
        If its packages are not made for this machine.
    """
    head = (ROOT / lock).read_text(encoding="utf-8")
    sizes = collections.OrderedDict(re.findall(r"^# download (\S+) (\d+) MB$", head, flags=re.MULTILINE))
    if sizes and machine() not in sizes:
        raise Refusal(
            "TensorFlow and other packages of {} are not made for this machine ({}), only for {}.".format(
                lock, machine(), ", ".join(sizes)
            )
        )
    return int(sizes.get(machine(), 0))


def digest(lock):
    """Return the SHA-256 of a lock file, whatever its line ends."""
    return hashlib.sha256((ROOT / lock).read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def installed():
    """Read which lock files `.venv` holds: name to SHA-256."""
    try:
        content = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def check_room(megabytes):
    """Refuse where this folder's disk has less room than that many megabytes of packages need.

    Raises
    ------
    Refusal
        If there is too little room.
    """
    needed, free = megabytes * ROOM_PER_MEGABYTE / 1000, shutil.disk_usage(str(ROOT)).free / 1e9
    if free < needed:
        raise Refusal(
            f"The disk that holds {ROOT} is too full: about {needed:.1f} GB are needed and {free:.1f} GB are free; "
            "free some space or move the folder, then run this again."
        )


def words_for(output, fallback):
    """Turn what pip or venv printed into a sentence that says what to do.

    Parameters
    ----------
    output : str
        Everything that was printed.
    fallback : str
        The sentence for what is not known.
    """
    for pattern, sentence in FAILURES.items():
        match = re.search(pattern, output)
        if match:
            return sentence.format(root=ROOT, machine=machine(), **match.groupdict())
    return fallback


def make_venv():
    """Make `.venv`, or make it anew where its Python is gone or does not fit.

    Raises
    ------
    Refusal
        If no Python fits or the folder cannot be written.
    """
    if venv_fits() and call_quietly([str(VENV_PYTHON), "-m", "pip", "--version"])[0] == 0:
        return
    python = find_python()
    say(f"Making .venv with {python}")
    code, output = call_quietly([python, "-m", "venv", "--clear", str(VENV)])
    if code:
        raise Refusal(words_for(output, f"The folder {VENV} could not be made: {last_line(output)}"))


def call_quietly(command):
    """Run a command; return its exit code and all it printed."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=clean_environment(),
        cwd=str(ROOT),
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def last_line(output):
    """Return the last line that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing."


def ensure(lock, offline):
    """Install a lock file into `.venv` unless it is there already.

    Raises
    ------
    Refusal
        If it cannot be installed; the message says why.
    """
    if installed().get(lock) == digest(lock):
        return
    megabytes = download_megabytes(lock)
    source = []
    if offline:
        if not WHEELS.is_dir():
            raise Refusal(
                f"The packages of {lock} are not installed yet and --offline forbids to load them: run "
                "`python3 start.py prepare` once with a network, or put the packages into the folder `wheels`."
            )
        source = ["--no-index", "--find-links", str(WHEELS)]
        say(f"Installing {lock} from {WHEELS}")
    else:
        say(f"Loading the packages of {lock}: {megabytes} MB from the package registry, once")
    run_pip(["--requirement", str(ROOT / lock), *source], megabytes)
    content = dict(installed(), **{lock: digest(lock)})
    STAMP.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def run_pip(arguments, megabytes):
    """Run `pip install` in `.venv` and show how far it is.

    Raises
    ------
    Refusal
        If pip fails.
    """
    loading = VENV / "loading"
    shutil.rmtree(str(loading), ignore_errors=True)
    loading.mkdir()
    environment = clean_environment(TMPDIR=str(loading), TEMP=str(loading), TMP=str(loading))
    environment.update(PIP_USER="0", PYTHONUNBUFFERED="1")
    environment.setdefault("PIP_RETRIES", "2")
    environment.setdefault("PIP_DEFAULT_TIMEOUT", "30")
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", *arguments]
    shown = Progress(loading, megabytes)
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd=str(ROOT),
    )
    output = []
    try:
        shown.start()
        for raw in child.stdout:
            output.append(raw.decode("utf-8", "replace"))
            if output[-1].startswith("Installing collected packages"):
                shown.unpack()
        code = child.wait()
    finally:
        shown.finish()
        if child.poll() is None:
            stop(child)
        shutil.rmtree(str(loading), ignore_errors=True)
    if code:
        output = "".join(output)
        raise Refusal(words_for(output, f"pip could not install the packages: {last_line(output)}"))


class Progress:
    """One line that says how many megabytes have come; into a file or pipe only every tenth of the way."""

    def __init__(self, folder, megabytes):
        self.folder, self.total = folder, megabytes
        self.done = threading.Event()
        self.unpacking = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        """Begin to show."""
        self.thread.start()

    def unpack(self):
        """Say that all is loaded and pip now unpacks."""
        self.unpacking.set()

    def finish(self):
        """Stop showing."""
        self.done.set()
        if self.thread.is_alive():
            self.thread.join()

    def loaded(self):
        """Return the megabytes of the packages that have come so far."""
        size = 0
        for folder, _, names in os.walk(str(self.folder)):
            for name in names:
                if name.endswith(".whl"):
                    with contextlib.suppress(OSError):
                        size += (Path(folder) / name).stat().st_size
        return size / 1e6

    def run(self):
        """Look every half second, until finished."""
        live, tenth, unpacking = sys.stdout.isatty(), 0, False
        total = self.total or 1
        while not self.done.wait(0.5):
            if self.unpacking.is_set():
                if not unpacking:
                    unpacking = True
                    say("\n" * live + "Unpacking them; this takes a minute or two")
                continue
            megabytes = self.loaded()
            text = f"  {megabytes:.0f} of about {self.total} MB"
            if live:
                print("\r" + text, end=" ", flush=True)
            elif int(10 * megabytes / total) > tenth:
                tenth = int(10 * megabytes / total)
                say(text)
        if live and not unpacking:
            say("")


def prepare(options, tests=False):
    """Make `.venv` and install what is asked for; where all is there already, pip is not called.

    Raises
    ------
    Refusal
        If something cannot be installed.
    """
    locks = [RUNTIME] + [TESTS] * tests + [GPU] * options.gpu
    if options.gpu and not sys.platform.startswith("linux"):
        raise Refusal("`--gpu` is for Linux with an NVIDIA card; TensorFlow has no such packages for this system.")
    fits = venv_fits()
    missing = [lock for lock in locks if not fits or installed().get(lock) != digest(lock)]
    if not missing:
        return
    check_room(sum(download_megabytes(lock) for lock in missing))
    make_venv()
    for lock in locks:
        ensure(lock, options.offline)
    say("All packages are installed.")


# ------------------------------------------------------------------------------------------------------- the verbs


def port_is_free(port):
    """Tell whether a server could listen on 127.0.0.1 at this port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as caller:
        caller.settimeout(1)
        if caller.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
        if os.name == "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted):
    """Return the port that was asked for, or the next free one, and say so.

    Raises
    ------
    Refusal
        If the next fifty are taken too.
    """
    for port in range(wanted, min(wanted + 50, 65536)):
        if port_is_free(port):
            if port != wanted:
                say(f"Port {wanted} is taken, so the application uses port {port}.")
            return port
    raise Refusal(f"Port {wanted} and those after it are taken: name another one with --port.")


def upload_limit(environment):
    """Return the arguments that give Streamlit the limit of LEUK_MAX_UPLOAD_MB; none where that is not set.

    Raises
    ------
    Refusal
        If it is no whole number of at least 1.
    """
    text = {name.upper(): value for name, value in environment.items()}.get("LEUK_MAX_UPLOAD_MB", "").strip()
    if not text:
        return []
    if not re.match(r"^0*[1-9][0-9]*$", text):
        raise Refusal(f"`LEUK_MAX_UPLOAD_MB` must be a whole number of megabytes, at least 1. Received: {text!r}")
    return ["--server.maxUploadSize", str(int(text))]


def can_show_browser(environment):
    """Tell whether this session has a screen to open a browser on."""
    if sys.platform.startswith("linux"):
        return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    return "SSH_CONNECTION" not in environment


def healthy(address):
    """Tell whether the application at `address` answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with contextlib.closing(opener.open(address + "/_stcore/health", timeout=2)) as answer:
            return answer.getcode() == 200
    except (urllib.error.URLError, OSError):
        return False


def stop(child):
    """End a child process and return its exit code."""
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


class Worker:
    """Trains what the pages ask for, in a process of its own; a lost one is replaced."""

    def __init__(self):
        self.child = None
        self.started = 0.0

    def keep(self):
        """Start it, if it does not run. One that could not begin (exit code 2) has said why and is left."""
        code = self.child.poll() if self.child else None
        if self.child and (code is None or code == 2 or time.monotonic() - self.started < REPLACED_AFTER_S):
            return
        command = [str(VENV_PYTHON), "-m", "leuk_core.jobs.worker", "--with-parent"]
        self.child = subprocess.Popen(command, cwd=str(ROOT), env=clean_environment(), stdin=subprocess.DEVNULL)
        self.started = time.monotonic()

    def stop(self):
        """End it; the job that it has is gone on with by the next one."""
        if self.child:
            stop(self.child)


def run_app(options):
    """Serve the application until it is stopped; return the exit code.

    Raises
    ------
    Refusal
        If it does not come up.
    """
    limit = upload_limit(os.environ)
    prepare(options)
    began = time.monotonic()
    port = free_port(options.port)
    address = f"http://127.0.0.1:{port}"
    command = [str(VENV_PYTHON), "-m", "components.serve", "run", str(ROOT / "web.py"), "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), *limit]
    environment = clean_environment()
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    child = subprocess.Popen(command, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL)
    worker = Worker()
    try:
        while not healthy(address):
            if child.poll() is not None:
                raise Refusal(
                    f"The application ended before it was ready (exit code {child.returncode}); the lines above say "
                    "why; where a package is missing, delete the folder .venv and run this again."
                )
            if time.monotonic() - began > READY_WITHIN_S:
                raise Refusal(f"The application did not answer at {address} within {READY_WITHIN_S} s and was stopped.")
            time.sleep(0.1)
        say(f"The application is ready after {time.monotonic() - began:.1f} s: {address}  (Ctrl+C stops it)")
        if not options.no_browser and can_show_browser(os.environ):
            webbrowser.open(address)
        while child.poll() is None:
            if not options.no_worker:
                worker.keep()
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("\nStopping.")
        return 0
    else:
        return child.returncode
    finally:
        stop(child)
        worker.stop()


def run_worker(options):
    """Do the jobs that wait until it is stopped; return the exit code."""
    prepare(options)
    say("This worker does the jobs that wait, one after another.  (Ctrl+C stops it)")
    worker = Worker()
    try:
        worker.keep()
        return worker.child.wait()
    except KeyboardInterrupt:
        say("\nStopping.")
        return 0
    finally:
        worker.stop()


def run_tests(options, arguments):
    """Run the linter, the formatter's check, the type checker, the import walls and the tests; 0 where all hold."""
    prepare(options, tests=True)
    python = str(VENV_PYTHON)
    walls = "from importlinter.cli import lint_imports_command as check; check()"
    checks = [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("mypy", [python, "-m", "mypy"]),
        ("import walls", [python, "-c", walls]),
        ("pytest", [python, "-m", "pytest", *arguments]),
    ]
    failed = []
    for name, command in checks:
        say(f"== {name}")
        if subprocess.run(command, cwd=str(ROOT), env=clean_environment(), check=False).returncode:
            failed.append(name)
    if failed:
        say(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


def parser():
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="start.py",
        allow_abbrev=False,
        description="Start the leukemia blood-smear workbench in a browser. The first start loads its packages.",
        epilog="Further arguments of `test` go to pytest, for example: python3 start.py test -k logmh. "
        "Research use only. Not for diagnosis.",
    )
    made.add_argument("verb", nargs="?", choices=["prepare", "test", "worker"], help=VERBS)
    made.add_argument("--port", type=int, default=8501, help="port on 127.0.0.1; if taken, the next one (default 8501)")
    made.add_argument("--no-browser", action="store_true", help="do not open the browser")
    made.add_argument("--no-worker", action="store_true", help="start no worker for trainings beside the application")
    made.add_argument("--offline", action="store_true", help="load nothing; install from the folder wheels if need be")
    made.add_argument("--gpu", action="store_true", help="also install TensorFlow's NVIDIA libraries (Linux, 2.8 GB)")
    return made


def hand_over(arguments):
    """Run this file under a Python that fits, in place of this process where the system can; return its exit code."""
    python = str(VENV_PYTHON) if venv_fits() else find_python()
    command = [python, str(Path(__file__).resolve()), *arguments]
    if os.name == "posix":
        os.execv(python, command)  # noqa: S606
    child = subprocess.Popen(command)
    while child.poll() is None:
        with contextlib.suppress(KeyboardInterrupt):  # the child gets Ctrl+C too and ends by itself
            child.wait()
    return child.returncode


def interrupt(*_):
    """Treat a request to end like Ctrl+C, so that the application is stopped too."""
    raise KeyboardInterrupt


def main(arguments):
    """Do what the command line says; return the exit code: 0 done, 1 refused or failed, 2 wrong use."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a path may hold letters that this console cannot show
    signal.signal(signal.SIGTERM, interrupt)
    known = parser()
    options, rest = known.parse_known_args(arguments)
    if rest and options.verb != "test":
        known.error("unknown argument: {}".format(" ".join(rest)))
    if not 1 <= options.port <= 65535:
        known.error(f"`--port` must lie between 1 and 65535. Received: {options.port}")
    try:
        if not OLDEST <= sys.version_info[:2] <= NEWEST:
            return hand_over(arguments)
        if options.verb == "prepare":
            prepare(options)
            return 0
        if options.verb == "test":
            return run_tests(options, rest)
        if options.verb == "worker":
            return run_worker(options)
        return run_app(options)
    except Refusal as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
