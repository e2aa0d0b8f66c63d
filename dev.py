"""Set up, demonstrate, check and time the project: `python3 dev.py demo`, `check` or `bench`.

Needs only Python >= 3.11 with pip (the standard library's `venv` may lack ensurepip). Everything else comes from
`requirements/dev.lock`, every version pinned and every file checked by its hash, into `.venv` beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENVIRONMENT / "lock.sha256"
BUILD_LOCK = ROOT / "requirements" / "build.lock"
LOCK = ROOT / "requirements" / "dev.lock"
SOURCES = ["model", "service", "synthetic_data", "examples", "benchmarks", "tests", "dev.py"]

CHECKS: dict[str, list[str]] = {
    "format": ["-m", "ruff", "format", "--check", "--diff", *SOURCES],
    "lint": ["-m", "ruff", "check", *SOURCES],
    "imports": ["-m", "importlinter.cli", "lint"],
    "types": ["-m", "mypy"],
    "tests": ["-m", "pytest"],
}


def main() -> int:
    """Parse the command line, make the environment ready and run one command in it."""
    options = parse_arguments()
    if sys.version_info < (3, 11):  # noqa: UP036 - a bare machine may bring any Python
        sys.exit(f"dev.py needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    prepare_environment()
    if options.command == "demo":
        return run_python("-m", "examples.demo", "--port", str(options.port), *(["--exit"] if options.exit else []))
    if options.command == "bench":
        return run_python("-m", "benchmarks", "--patients", str(options.patients))
    return check(options.only)


def parse_arguments() -> argparse.Namespace:
    """Read the command and its options."""
    parser = argparse.ArgumentParser(
        description="Set up .venv from the hashed lock, then run one command in it.",
        epilog="examples:\n  python3 dev.py demo --exit\n  python3 dev.py check\n  python3 dev.py check --only tests",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="generate, train, audit, serve, and follow one patient over HTTP")
    demo.add_argument("--exit", action="store_true", help="stop at the end instead of serving until Ctrl-C")
    demo.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default 8000)")
    bench = commands.add_parser("bench", help="how fast it is, against peers in the same run")
    bench.add_argument("--patients", type=int, default=2000, help="in the synthetic cohort (default 2000)")
    check_parser = commands.add_parser("check", help="every check that a change must pass")
    check_parser.add_argument("--only", choices=list(CHECKS), help="run one of the checks")
    return parser.parse_args()


def prepare_environment() -> None:
    """Create `.venv` from the lock, unless it was made from this very lock by this very Python."""
    wanted = hashlib.sha256(BUILD_LOCK.read_bytes() + LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if STAMP.is_file() and PYTHON.exists() and STAMP.read_text() == wanted:
        return
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        sys.exit("dev.py needs pip beside this Python: install it (for Debian: python3-pip) and run again")
    print(f"setting up {ENVIRONMENT.name} from {LOCK.relative_to(ROOT)} ...", flush=True)
    started = time.monotonic()
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    # Without pip inside: a Python whose venv lacks ensurepip works too, and pip installs from outside.
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(ENVIRONMENT)
    # One dependency is published as source only: its build tool is locked too, instead of fetched unpinned.
    install(BUILD_LOCK)
    install(LOCK, "--no-build-isolation")
    STAMP.write_text(wanted)
    print(f"environment ready in {time.monotonic() - started:.0f} s", flush=True)


def install(lock: Path, *options: str) -> None:
    """Install a hashed lock into `.venv` with the pip of the Python that runs this file."""
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--disable-pip-version-check"]
    arguments = ["--require-hashes", "--no-deps", *options, "-r", str(lock)]
    if subprocess.run([*pip, *arguments], check=False).returncode:
        sys.exit(f"dev.py: installing {lock.relative_to(ROOT)} failed (see above); mend that and run again")


def check(only: str | None) -> int:
    """Run the checks in turn, all of them even after a failure, and say which failed."""
    failed = []
    for name, arguments in CHECKS.items():
        if only is not None and name != only:
            continue
        print(f"== {name}", flush=True)
        started = time.monotonic()
        code = run_python(*arguments)
        print(f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
        if code:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run_python(*arguments: str) -> int:
    """Run the environment's Python from the project's root and return its exit code."""
    try:
        return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
