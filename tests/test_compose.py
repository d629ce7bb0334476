"""docker-compose.yml, as far as it can be tried without an engine: it is valid, its variables are
known, and each of our commands, started as a plain process over a real PostgreSQL and a real
Valkey with the environment the file gives it, does its work."""

import http.client
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from helpline import signatures
from tests.servers import ROOT, free_port, test_keyring

pytestmark = [pytest.mark.once, pytest.mark.slow]

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = ["migrate", "web", "worker", "beat", "sweeper"]
LONGEST_TASK_SECONDS = 90
# Far more than it takes; a busy machine is no failure.
READY_WITHIN_SECONDS = 180


def listed_variables():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return {match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))}


def interpolated_variables():
    return set(re.findall(r"\$\{([A-Z0-9_]+)", TEXT))


# --- What the file says --------------------------------------------------------------------------


def checked(path):
    """The Compose schema held against a file."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)


def test_it_is_valid():
    done = checked(ROOT / "docker-compose.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_would_refuse_a_wrong_file(tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {web: {comand: [x]}}")
    assert checked(wrong).returncode == 1


@pytest.mark.parametrize("name", OURS)
def test_every_variable_given_to_a_service_is_one_the_settings_read(name):
    given = set(SERVICES[name]["environment"])
    assert given <= listed_variables()


def test_every_variable_the_file_asks_for_is_in_the_example():
    # The version names an image; the settings do not read it.
    assert interpolated_variables() - {"HELPLINE_VERSION"} <= listed_variables()


def test_every_image_is_pinned():
    for name, service in SERVICES.items():
        image = service["image"].replace("${HELPLINE_VERSION:-0.1.0}", "0.1.0")
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$", image), f"{name}: {image}"


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_one_process_without_shell_root_or_rights(name):
    service = SERVICES[name]
    assert isinstance(service["command"], list)
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    assert "user" not in service  # the image's own, which is not root


def test_the_image_runs_as_nobody_in_particular_and_starts_without_a_shell():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^FROM python:3\.\d+\.\d+-slim-\w+$", dockerfile, re.MULTILINE)
    assert re.search(r"^USER helpline$", dockerfile, re.MULTILINE)
    for instruction in re.findall(r"^\s*CMD (.*)$", dockerfile, re.MULTILINE):
        assert instruction.startswith('["')
    assert "HEALTHCHECK" in dockerfile


def test_the_image_holds_all_the_code_that_runs():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (\S+) \S+$", dockerfile, re.MULTILINE))
    assert copied == {
        "requirements/run.txt",
        "manage.py",
        "helpline",
        "intake",
        "locale",
        "templates",
    }
    assert all((ROOT / path).exists() for path in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{path}" for path in copied} <= set(ignored)


def test_every_lasting_service_has_a_health_check():
    lasting = set(SERVICES) - {"migrate", "proxy"}
    assert all(SERVICES[name]["healthcheck"].get("test") for name in lasting)


def test_a_worker_may_finish_its_longest_task():
    seconds = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    assert seconds > LONGEST_TASK_SECONDS


def test_only_the_proxy_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_callers_are_told_apart_behind_the_one_proxy_there_is():
    """The limits of the public form count addresses: that which the proxy saw, and nothing that a
    client or an .env says."""
    for name in OURS:
        assert SERVICES[name]["environment"]["TRUSTED_PROXIES"] == "1", name
    assert "TRUSTED_PROXIES" not in interpolated_variables()
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert caddyfile.count("reverse_proxy ") == 1
    # As it comes, Caddy throws away what a client wrote there and writes the address it saw.
    assert not re.search(r"trusted_proxies|X-Forwarded-For", caddyfile)


def test_no_secret_stands_in_the_file():
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"KEY|PASSWORD|DATABASE_URL|EMAIL_URL", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert str(value).startswith("/run/secrets/")


def test_the_secrets_command_writes_every_file_the_secrets_name(tmp_path):
    folder = tmp_path / "secrets"
    command = [sys.executable, "manage.py", "make_secrets", str(folder)]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    wanted = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert {path.name for path in folder.iterdir()} == wanted
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    before = {path: path.read_bytes() for path in folder.iterdir()}
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert before == {path: path.read_bytes() for path in folder.iterdir()}
    password = (folder / "db_password").read_text()
    assert f":{password}@db:" in (folder / "database_url").read_text()


def test_a_newer_version_adds_its_secrets_to_those_of_an_older_one(tmp_path):
    folder = tmp_path / "secrets"
    command = [sys.executable, "manage.py", "make_secrets", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    newer = [folder / "phone_webhook_secret", folder / "text_gateway_secret"]
    for path in newer:
        path.unlink()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    added = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert added.returncode == 0, added.stderr
    assert all(path.read_text().startswith("whsec_") for path in newer)
    assert before == {path: path.read_bytes() for path in before}
    # The keys of data that are gone are never replaced by others.
    (folder / "keys.json").unlink()
    newer[0].unlink()
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert not (folder / "keys.json").exists()


# --- What its commands do ------------------------------------------------------------------------


class Stack:
    """The services of ours, as plain processes. Names of hosts and files become local ones."""

    def __init__(self, folder, database_url, redis_url):
        self.folder = folder
        self.port = free_port()
        self.redis_url = redis_url
        secrets = {
            "secret_key": "compose-test-" + "0" * 50,
            "keys": test_keyring(),
            "database_url": database_url,
            "email_url": "filemail://",
            "metrics_token": "compose-test-" + "0" * 30,
            "text_gateway_secret": signatures.new_secret(),
            "phone_webhook_secret": signatures.new_secret(),
        }
        for name, value in secrets.items():
            path = folder / name
            path.write_text(value)
            path.chmod(0o600)
        self.processes = {}

    def environment(self, name):
        """What the service gets in its container, with this machine's places."""
        given = {
            variable: self.interpolate(str(value))
            for variable, value in SERVICES[name]["environment"].items()
        }
        return {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "helpline.settings",
            "ENV_FILE": str(self.folder / "absent"),
            # From the Dockerfile, but for the folder and this machine's only address.
            "HELPLINE_DATA": str(self.folder / "data"),
            "STATIC_ROOT": str(self.folder / "static"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **given,
            "REDIS_URL": self.redis_url,
        }

    def interpolate(self, value):
        answers = {"BASE_URL": "https://help.example.org", "HELPLINE_NUMBER": "+18005550199"}
        value = value.replace("/run/secrets/", f"{self.folder}/")
        return re.sub(
            r"\$\{([A-Z0-9_]+)(?::?([-?])([^}]*))?\}",
            lambda found: answers.get(found[1], found[3] if found[2] == "-" else ""),
            value,
        )

    def command(self, name):
        return [sys.executable, *SERVICES[name]["command"][1:]]

    def succeed(self, command, name):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def start(self, name):
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                self.command(name),
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def is_healthy(self, name):
        """The health check of the service, as the engine would run it."""
        words = SERVICES[name]["healthcheck"]["test"]
        assert words[:2] == ["CMD", "python"]
        done = subprocess.run(
            [sys.executable, *words[2:]],
            cwd=ROOT,
            env=self.environment(name),
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": "help.example.org", **headers})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, {}, ""
        finally:
            connection.close()

    def wait(self, condition):
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not condition():
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, {name: self.log(name) for name in self.processes}
            time.sleep(0.2)

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def stack(postgresql, valkey, tmp_path):
    for name in ("data", "static"):
        (tmp_path / name).mkdir()
    number = valkey.databases - 1
    valkey.client(number).flushdb()
    stack = Stack(tmp_path, postgresql.create("compose"), valkey.url(number))
    yield stack
    stack.stop()


def test_every_command_starts_works_and_stops(stack):
    """In the order the engine would start them: one after the other, so this is one test."""
    stack.succeed([sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"], "web")

    # The web server over an empty database: alive, not ready, and it says why.
    stack.start("web")
    stack.wait(lambda: stack.is_healthy("web"))
    status, _, body = stack.get("/health/ready")
    assert (status, body) == (
        503,
        '{"not_ready": ["database", "worker", "beat", "sweep", "reminders", "requests"]}',
    )
    assert not stack.is_healthy("worker")

    # Migrated, and once more, as on every later start.
    stack.succeed(stack.command("migrate"), "migrate")
    stack.succeed(stack.command("migrate"), "migrate")

    # The sweeper alone keeps promises; worker and beat make it ready.
    stack.start("sweeper")
    stack.wait(lambda: stack.is_healthy("sweeper"))
    assert stack.get("/health/ready")[2] == '{"not_ready": ["worker", "beat"]}'
    stack.start("worker")
    stack.start("beat")
    stack.wait(lambda: stack.get("/health/ready")[0] == 200)
    assert stack.is_healthy("worker")
    assert stack.is_healthy("beat")

    # It speaks HTTPS only, and believes its proxy that it does.
    status, headers, _ = stack.get("/admin/login/")
    assert (status, headers["Location"]) == (301, "https://help.example.org/admin/login/")
    status, headers, _ = stack.get("/admin/login/", **{"X-Forwarded-Proto": "https"})
    assert status == 200
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "__Host-csrf=" in headers["Set-Cookie"]
    assert "Secure" in headers["Set-Cookie"]
    assert stack.get("/", Host="evil.example", **{"X-Forwarded-Proto": "https"})[0] == 400

    # SIGTERM to the one process is enough.
    for name in ("sweeper", "beat", "worker", "web"):
        process = stack.processes.pop(name)
        process.terminate()
        assert process.wait(READY_WITHIN_SECONDS) == 0, stack.log(name)
