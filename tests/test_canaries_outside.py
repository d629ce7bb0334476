"""The canaries again, looked for outside the test process: in the database's file, and in what a
web server and a worker write to logs, broker, mail and cache while they are used.

Apart from test_canaries because these empty the database afterwards, so pytest runs them last.
"""

import json
import re
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from helpline import signatures
from intake import models
from intake.forms.tickets import LEAST_FILL
from tests import patience, servers
from tests.callers import answers
from tests.canaries import PREFIX
from tests.walk import client_of, made_world, table_texts

PHONE_SECRET = signatures.new_secret()


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_the_database_file_holds_none():
    """The bytes on the disk, the write-ahead log and what was deleted included."""
    world = made_world(now=timezone.now(), is_walkable=False)
    models.StaffSearch.objects.all().delete()
    path = Path(connection.settings_dict["NAME"])
    files = list(path.parent.glob(f"{path.stem}*{path.suffix}*"))
    content = b"".join(file.read_bytes() for file in files)
    assert world.open_call.reference.encode() in content
    assert not world.sightings(content)


# --- Outside this process ------------------------------------------------------------------------


@pytest.fixture
def outside(transactional_db, broker_url, valkey, run_folder):
    """The canary world in the database, and the processes that serve it: web server and worker."""
    outside = Outside(broker_url, run_folder)
    try:
        outside.start()
        yield outside
    finally:
        outside.stop()


class Outside:
    """A web server and a Celery worker as in use, logging at DEBUG, and somebody listening in on
    the broker."""

    def __init__(self, broker_url, folder):
        self.broker_url, self.folder = broker_url, folder
        self.began = timezone.now()
        self.world = made_world(now=self.began)
        self.port, self.processes, self.heard = servers.free_port(), [], []
        self.environment = servers.child_environment(
            DATABASE_URL=servers.database_url(connection),
            REDIS_URL=broker_url,
            HELPLINE_DATA=folder,
            HELPLINE_STAFF_EMAIL="desk@example.org",
            PHONE_WEBHOOK_SECRET=PHONE_SECRET,
            STATIC_ROOT=folder / "static",
            LOG_LEVEL="DEBUG",
            TRUSTED_PROXIES=1,
            PORT=self.port,
        )

    def start(self):
        from redis import Redis

        done = subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
            cwd=servers.ROOT,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0
        # On a busy machine nothing may pass for longer than its five seconds.
        self.redis = Redis.from_url(self.broker_url, socket_timeout=None)
        self.monitor = self.redis.monitor().__enter__()
        self.is_over = False
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        celery = ["-m", "celery", "--app", "helpline", "worker", "--concurrency", "1"]
        self.run("worker", *celery, "--loglevel", "DEBUG", "--without-gossip", "--without-mingle")
        self.run("web", "-m", "gunicorn", "-c", "python:helpline.webserver", "helpline.wsgi")

    def listen(self):
        from redis import RedisError

        try:
            for command in self.monitor.listen():
                self.heard.append(str(command))
        except (OSError, ValueError, RedisError):
            if not self.is_over:
                raise

    def run(self, name, *arguments):
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    cwd=servers.ROOT,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )
            )

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.is_over = True
        self.monitor.__exit__(None, None, None)
        self.listener.join()

    def wait(self, condition):
        deadline = time.monotonic() + patience.SECONDS
        while not condition():
            assert all(process.poll() is None for process in self.processes), self.log("web")
            assert time.monotonic() < deadline, self.log("worker")[-2000:] + self.log("web")[-2000:]
            time.sleep(0.1)

    def ring_every_bell(self):
        """Send each task as beat would, until the worker has done them all."""
        from helpline.celery import app

        app.loader.import_default_modules()
        started = timezone.now()
        with app.connection_for_write(url=self.broker_url) as broker:
            ours = [name for name in app.tasks if name.startswith("intake.")]
            for name in sorted(ours, key=lambda name: name.endswith("heartbeat")):
                app.send_task(name, connection=broker)
        beats = models.Heartbeat.objects.filter(name="worker", seen_at__gt=started)
        self.wait(beats.exists)

    def phone(self, told):
        """What a phone system tells us, signed as it should be."""
        body = json.dumps(told).encode()
        head = {"Content-Type": "application/json"} | signatures.headers(
            signatures.read_secrets(PHONE_SECRET),
            message_id=f"{PREFIX}-typed-{told['type']}",
            at=timezone.now(),
            body=body,
        )
        return self.ask("POST", "/hooks/phone", body, **head)

    def ask(self, method, path, body=None, **headers):
        try:
            return self.open(method, path, body, **headers).status
        except OSError:
            return 0

    def open(self, method, path, body=None, **headers):
        """The answer, with its page as ``text``."""
        web = HTTPConnection("127.0.0.1", self.port, timeout=patience.SECONDS)
        try:
            web.request(method, path, body, {"Host": f"localhost:{self.port}", **headers})
            answer = web.getresponse()
            answer.text = answer.read().decode("utf-8", "replace")
            return answer
        finally:
            web.close()

    def traces(self, needles):
        """Where one of them was left: in a log, the broker, a mail or a table."""
        mails = [path.read_text() for path in (self.folder / "mail").iterdir()]
        left = [str(self.redis.dump(key)) + str(key) for key in self.redis.scan_iter()]
        places = {
            "web": self.log("web"),
            "worker": self.log("worker"),
            "broker": "\n".join([*self.heard, *left]),
            "mail": "\n".join(mails),
            **table_texts(),
        }
        return [
            f"{needle} in {place}"
            for place, text in places.items()
            for needle in needles
            if needle.lower() in text.lower()
        ]


@pytest.mark.slow
def test_no_process_log_broker_or_mail_file_holds_one(outside):
    world = outside.world
    token = f"{PREFIX}-typed-outside"
    world.canaries.append(world.canaries[0].__class__("sent by a browser", (token,)))
    outside.wait(lambda: outside.ask("GET", "/health/live") == 200)
    told = {"Referer": f"http://localhost/?{token}", "User-Agent": token, "X-Phone": token}
    session = client_of(world, "Agent").cookies[settings.SESSION_COOKIE_NAME].value
    signed_in = {**told, "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; other={token}"}
    form = urlencode({"phone": token, "alias": token, "topic": token, "password": token})
    typed = {**told, "Content-Type": "application/x-www-form-urlencoded"}
    assert outside.ask("GET", f"/callback/?q={token}", **told) == 200
    assert outside.ask("POST", "/callback/", form, **typed) == 403
    assert outside.ask("POST", f"/admin/login/?next={token}", form, **typed) == 403
    assert outside.ask("GET", f"/admin/?q={token}", **signed_in) == 200
    call = f"/admin/intake/call/{world.open_call.pk}/change/"
    assert outside.ask("GET", call, **signed_in) == 200
    assert outside.ask("GET", f"/admin/intake/call/?q={token}", **signed_in) == 302
    assert outside.ask("GET", f"/admin/intake/call/?narrative={token}", **signed_in) == 400
    caller = {"from": str(world.caller.phone), "text": f"{token} STOP", token: token}
    for kind in ("missed_call", "text_received", token):
        assert outside.phone({"type": kind, "data": caller}) == 202
    assert outside.phone({"type": "voicemail", "data": {"from": token}}) == 202
    outside.ring_every_bell()
    # --- the logs
    for name, line in (("web", f"GET {call} 200"), ("worker", "sweep_desk")):
        assert line in outside.log(name)
        assert not world.sightings(outside.log(name)), outside.log(name)
    # --- the broker: what passed, and what is left
    outside.wait(lambda: any("sweep_desk" in command for command in outside.heard))
    assert not [command for command in outside.heard if world.sightings(command)]
    for key in outside.redis.scan_iter():
        assert not world.sightings(key)
        assert not world.sightings(outside.redis.dump(key) or b"")
    # --- the mail
    mails = [path.read_bytes() for path in (outside.folder / "mail").iterdir()]
    assert mails
    assert not [message for message in mails if world.sightings(message)]


@pytest.mark.slow
def test_a_request_for_a_call_leaves_no_trace_but_what_is_sealed(outside):
    """Asked for on the public page, looked after by its private link, let in and delivered."""
    alias, address, last = f"{PREFIX}-typed-online", "198.51.100.77", "5550142"
    outside.wait(lambda: outside.ask("GET", "/health/live") == 200)
    seen = {"X-Forwarded-For": f"203.0.113.9, {address}", "User-Agent": alias}
    page = outside.open("GET", "/callback/", **seen)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    # No form is filled in less.
    time.sleep(LEAST_FILL.total_seconds() + 1)
    seen |= {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    form = answers(phone=f"(202) {last[:3]}-{last[3:]}", alias=alias, zip_code="20001", day="now")
    taken = outside.open("POST", "/callback/", urlencode(form | hidden), **seen)
    assert taken.status == 302, taken.text
    receipt = outside.open("GET", taken.headers["Location"], **seen)
    private = re.search(r'name="token" value="([^"]+)"', receipt.text)[1]
    token = {"token": private, "csrfmiddlewaretoken": hidden["csrfmiddlewaretoken"]}
    assert outside.ask("POST", "/manage/", urlencode(token), **seen) == 200
    assert outside.ask("GET", f"/manage/{private}/", **seen) == 200
    assert outside.ask("POST", "/manage/cancel/", urlencode(token), **seen) == 200
    for name in ("Location", "Set-Cookie", "Content-Disposition"):
        assert alias not in str(taken.headers[name])
    assert not {alias, address, last} & set(re.findall(r"[\w.-]+", receipt.text))
    outside.ring_every_bell()
    callback = models.Callback.objects.select_related("person").get(requested_at__gt=outside.began)
    # It was worked on, and what was typed can be read by those who hold the key.
    outside.wait(lambda: not models.Callback.objects.filter(status="received").exists())
    assert (callback.person.alias, str(callback.person.phone)) == (alias, f"+1202{last}")
    secret = taken.headers["Location"].rstrip("/").rpartition("/")[2]
    needles = [alias, last, "555-0142", address, "203.0.113.9", secret, private, hidden["ticket"]]
    assert "GET /manage/-/ 200" in outside.log("web")
    assert not outside.traces(needles)
