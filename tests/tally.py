"""Counts of several pytest runs, added up for one honest closing line."""

import json
import os
from pathlib import Path

# Set by tests/run.py: the file that receives the counts of one run.
FILE = "HELPLINE_TEST_TALLY"
NO_REAL_DATA = "no real data"

KINDS = {
    "passed": ("passed", "xfailed"),
    "failed": ("failed", "error", "xpassed"),
    "skipped": ("skipped",),
}


def write(stats):
    if not (path := os.environ.get(FILE)):
        return
    counts = {kind: sum(len(stats.get(n, [])) for n in names) for kind, names in KINDS.items()}
    counts["unexpected"] = [reason for reason in skip_reasons(stats) if NO_REAL_DATA not in reason]
    Path(path).write_text(json.dumps(counts))


def skip_reasons(stats):
    return [f"{report.nodeid}: {reason(report)}" for report in stats.get("skipped", [])]


def reason(report):
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
