"""Runs every test: on SQLite, then again on PostgreSQL those that touch a database.

The last line counts both runs. With CI set, a skipped test fails the run: nothing is left out
unseen. (Tests over real-world files that are not in the repository may be skipped.)
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import tally  # noqa: E402

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
NO_TESTS_RAN = 5
OTHER_CODE = 1
# Twice the cores of a small machine: tests that wait for servers and browsers leave theirs idle.
WORKERS = "4"


def environment():
    """Ours, but what one of the many processes compiled is kept for the others."""
    return {name: value for name, value in os.environ.items() if name != NO_BYTECODE}


def run(database, arguments):
    """One pytest run: its exit code and counts."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts.json"
        print(f"== {database} ==", flush=True)
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", WORKERS, *arguments],
            cwd=ROOT,
            env={**environment(), "HELPLINE_TEST_DB": database, tally.FILE: str(counts)},
            check=False,
        ).returncode
        empty = {"passed": 0, "failed": 0, "skipped": 0, "unexpected": []}
        return code, json.loads(counts.read_text()) if counts.exists() else empty


def main(arguments):
    codes, total, unexpected = [], {"passed": 0, "failed": 0, "skipped": 0}, []
    for database in ("sqlite", "postgresql"):
        code, counts = run(database, arguments)
        codes.append(0 if code == NO_TESTS_RAN and arguments else code)
        unexpected += counts["unexpected"]
        for kind in total:
            total[kind] += counts[kind]
    failed = any(codes)
    if os.environ.get("CI") and unexpected:
        print("Skipped, which CI does not allow:", *unexpected, sep="\n  ")
        failed = True
    if failed and not total["failed"]:
        # Collection broke, pytest crashed, or a skip counts: the line must not look like success.
        total["failed"] = OTHER_CODE
    print(", ".join(f"{number} {kind}" for kind, number in total.items()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
