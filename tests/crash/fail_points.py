"""The moments at which a process may die, and the tokens that let it.

Nothing of this is in the code in use: its functions are wrapped by name when a process under test
starts, and a name that is gone fails the start. A point strikes when its process can take a token,
a file that only one process can rename; so exactly as many die as there are tokens.
"""

import functools
import importlib
import os
import re
import shutil
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

POINTS = {
    "K0": "before the claim",
    "K1": "after the claim was committed",
    "K2": "before the mail's DATA",
    "K3": "after the mail server said 250",
    "K4 mail": "before the mark of a mail is committed",
    "K4 desk": "before the marks and the notices of the desk are committed",
    "K5": "between the commit of a promise and its doorbell",
    "K6": "in beat, between the tick and its publishing",
}
# A mail that was accepted but not marked goes out again, under the same Message-ID.
MAY_DOUBLE = {"K3", "K4 mail"}
SPENT = "spent"
STRUCK = "struck"
MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9a-f-]{36})\.\d+@", re.MULTILINE | re.IGNORECASE)


# --- In the process that may die -----------------------------------------------------------------


def arm(tokens):
    """Wrap the functions at which this process may die. Raises if one is gone."""
    strike = functools.partial(_strike, tokens)
    wrap("intake.actions.delivery.claim", before=lambda *_: strike("K0"))
    wrap("intake.actions.delivery.claim", after=lambda claimed, *_: leased(strike, claimed))
    wrap("smtplib.SMTP.data", before=lambda *_: strike("K2"))
    wrap("smtplib.SMTP.data", after=lambda answer, _, mail: accepted(strike, answer, mail))
    wrap("intake.actions.doorbell._ring", before=lambda *_: strike("K5"))
    wrap_marks(strike)
    wrap_beat(lambda: strike("K6"))


def leased(strike, claimed):
    assert not connection.in_atomic_block, "the claim is not committed when it returns"
    if claimed:
        strike("K1")


def accepted(strike, answer, mail):
    if answer[0] == 250:
        strike("K3", MESSAGE_ID.search(mail)[1].decode())


def wrap_marks(strike):
    """The mark is written inside the transaction: of one mail, or of a batch with its notices."""
    mails = threading.local()

    def marked(*_):
        mail = getattr(mails, "marking", None)
        if mail is None:
            strike("K4 desk")
        else:
            strike("K4 mail", mail.pk)

    wrap("intake.actions.delivery._mark", after=marked)
    wrap(
        "intake.actions.delivery._finish",
        before=lambda mail, *_: setattr(mails, "marking", mail),
        after=lambda *_: setattr(mails, "marking", None),
    )


def wrap(path, *, before=lambda *args: None, after=lambda answer, *args: None):
    """Call ``before`` with the arguments of the function, ``after`` with its answer as well."""
    place, name = found(path)
    original = getattr(place, name)

    @functools.wraps(original)
    def wrapped(*args, **options):
        before(*args)
        answer = original(*args, **options)
        after(answer, *args)
        return answer

    setattr(place, name, wrapped)


def wrap_beat(strike):
    """Beat publishes every tick by one function; only the bells of reminders count."""
    place, name = found("celery.beat.Scheduler.apply_async")
    original = getattr(place, name)

    @functools.wraps(original)
    def wrapped(self, entry, *args, **options):
        if entry.task.startswith("intake.tasks.sweep_"):
            strike()
        return original(self, entry, *args, **options)

    setattr(place, name, wrapped)


def found(path):
    """The module or class that holds the function, and its name there."""
    holder, _dot, name = path.rpartition(".")
    try:
        place = importlib.import_module(holder)
    except ModuleNotFoundError:
        module, _dot, class_name = holder.rpartition(".")
        place = getattr(importlib.import_module(module), class_name)
    assert callable(getattr(place, name, None)), f"{path} is gone: name the fail point anew"
    return place, name


def _strike(tokens, point, reminder=None):
    """Die, if there is a token left and this reminder has not been struck before."""
    try:
        left = os.listdir(tokens / point)
    except FileNotFoundError:
        return
    if not left or (reminder and not first_time(tokens / STRUCK / f"{point}.{reminder}")):
        return
    for number in left:
        try:
            os.rename(tokens / point / number, tokens / SPENT / f"{point}.{number}.{os.getpid()}")
        except FileNotFoundError:
            # Another process took it.
            continue
        os.kill(os.getpid(), signal.SIGKILL)


def first_time(path):
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


# --- In the test ---------------------------------------------------------------------------------


@dataclass
class Tokens:
    """The folder of tokens, seen from the test that lays them out."""

    folder: Path

    def __post_init__(self):
        for name in (SPENT, STRUCK):
            (self.folder / name).mkdir(parents=True)

    def lay(self, point, times):
        """From now on the next ``times`` processes that come to ``point`` die there."""
        assert point in POINTS
        for path in (self.folder / SPENT).glob(f"{point}.*"):
            path.unlink()
        hidden = self.folder / f"{point}.new"
        hidden.mkdir()
        for number in range(times):
            (hidden / str(number)).touch()
        hidden.rename(self.folder / point)

    def take_up(self, point):
        shutil.rmtree(self.folder / point, ignore_errors=True)

    def spent(self, point):
        """The ids of the processes that died at ``point``."""
        return [
            int(path.name.rpartition(".")[2]) for path in (self.folder / SPENT).glob(f"{point}.*")
        ]
