"""Write the lock files anew, with the size of what they load: `python .ci/lock.py` (needs `uv` on the PATH).

Each lock fits Linux, macOS and Windows and every Python that start.py accepts, has one version of each package for all
of them, and holds the hash of every wheel. Its head says how many megabytes each platform loads; start.py reads that.
"""

import subprocess
import sys
import tempfile
import tomllib
from itertools import chain
from pathlib import Path

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = [(3, 11), (3, 12), (3, 13)]
LOCKS = {
    "requirements.txt": "what the application needs",
    "requirements-dev.txt": "what the tests need besides requirements.lock",
    "requirements-gpu.txt": "TensorFlow's libraries for NVIDIA cards, Linux only, besides requirements.lock",
}


def linux_tags(machine: str) -> list[str]:
    """Return the platform tags of a Linux with glibc 2.28 or newer, best first."""
    newer = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)]
    return newer + [f"{old}_{machine}" for old in ("manylinux2014", "manylinux2010", "manylinux1", "linux")]


PLATFORMS = {
    "linux-x86_64": ("linux", linux_tags("x86_64")),
    "linux-aarch64": ("linux", linux_tags("aarch64")),
    "darwin-arm64": ("darwin", list(mac_platforms((14, 0), "arm64"))),
    "windows-amd64": ("win32", ["win_amd64"]),
}


def compile_lock(source: str, *options: str) -> str:
    """Resolve `source` for every platform and return what uv prints."""
    command = ["uv", "pip", "compile", "--universal", "--fork-strategy", "fewest", "--only-binary", ":all:"]
    command += ["--python-version", "3.11", "--no-config", "--no-header", "--quiet", *options, source]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def platform_tags(python: tuple[int, int], platforms: list[str]) -> list[Tag]:
    """Return the wheel tags that pip would accept there, best first."""
    interpreter = f"cp{python[0]}{python[1]}"
    return list(chain(cpython_tags(python, platforms=platforms), compatible_tags(python, interpreter, platforms)))


def megabytes(packages: list[dict], python: tuple[int, int], platform: str) -> float | None:
    """Sum the wheels that `platform` loads; None where a package has no wheel for it."""
    system, platforms = PLATFORMS[platform]
    rank = {tag: place for place, tag in enumerate(platform_tags(python, platforms))}
    environment = {
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "platform_machine": {"amd64": "AMD64"}.get(platform.split("-")[1], platform.split("-")[1]),
        "os_name": "nt" if system == "win32" else "posix",
        "python_version": f"{python[0]}.{python[1]}",
        "python_full_version": f"{python[0]}.{python[1]}.0",
    }
    total = 0
    for package in packages:
        if "marker" in package and not Marker(package["marker"]).evaluate(environment):
            continue
        best = None
        for wheel in package["wheels"]:
            tags = parse_wheel_filename(wheel["url"].rsplit("/", 1)[1].replace("%2B", "+"))[3]
            places = [rank[tag] for tag in tags if tag in rank]
            if places and (best is None or min(places) < best[0]):
                best = (min(places), wheel["size"])
        if best is None:
            sys.stderr.write(f"{platform}, Python {python[0]}.{python[1]}: no wheel of {package['name']}\n")
            return None
        total += best[1]
    return total / 1e6


def resolved(source: str) -> list[dict]:
    """Return the packages of `source` with the address and size of each of their wheels."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "pylock.toml"
        compile_lock(source, "--format", "pylock.toml", "--output-file", str(target))
        return tomllib.loads(target.read_text(encoding="utf-8"))["packages"]


def sizes(packages: list[dict]) -> dict[str, int]:
    """Return the megabytes each platform loads, the largest over the Pythons, without platforms that lack wheels."""
    found = {}
    for platform in PLATFORMS:
        each = [megabytes(packages, python, platform) for python in PYTHONS]
        if None not in each and max(each) > 0:
            found[platform] = round(max(each))
    return found


def main() -> int:
    """Write all lock files; a later one keeps the versions of requirements.lock and loads only what that lacks."""
    present: list[tuple[str, str]] = []
    for source, purpose in LOCKS.items():
        body = compile_lock(source, "--generate-hashes")
        packages = [entry for entry in resolved(source) if (entry["name"], entry["version"]) not in present]
        head = [f"# Written by .ci/lock.py from {source}: {purpose}.", "# Python 3.11 to 3.13; each wheel by its hash."]
        head += [f"# download {platform} {size} MB" for platform, size in sizes(packages).items()]
        target = ROOT / source.replace(".txt", ".lock")
        target.write_text("\n".join(head) + "\n" + body, encoding="utf-8")
        present = present or [(entry["name"], entry["version"]) for entry in packages]
        sys.stdout.write(f"{target.name}: {head[2:]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
