"""The helpline's own settings for processes that are about to be killed.

Lease and sweep come from the environment, as an operator would shorten them. What the settings
leave fixed is shortened here: the time-out of a mail, and how many reminders are leased at once.
"""

import os

from helpline.settings import *  # noqa: F403
from helpline.settings import INSTALLED_APPS, REMINDER_LEASE_SECONDS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.crash.apps.CrashConfig"]

# Below the lease, as a start-up check wants it.
EMAIL_TIMEOUT = min(10, REMINDER_LEASE_SECONDS - 1)

# Unset, the engine's own.
CRASH_BATCH_SIZE = int(os.environ.get("CRASH_BATCH_SIZE") or 0)
# The folder of the tokens that let a process kill itself; unset, none ever does.
CRASH_TOKENS = os.environ.get("CRASH_TOKENS", "")
# Seconds by which the clock of this process is wrong.
CRASH_CLOCK_SHIFT = int(os.environ.get("CRASH_CLOCK_SHIFT") or 0)
