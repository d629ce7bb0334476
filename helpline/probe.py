"""Health checks of containers: python -m helpline.probe web|worker|beat|sweeper. Exit code 0 is
healthy.

`web` asks the web server of this container. `worker` and `beat` ask the database whether a tick
of beat was taken by a worker in the last minute: it takes both to make one. `sweeper` asks it
whether `manage.py sweep` looked for due reminders in the last minute.
"""

import http.client
import sys

from helpline.environment import Environment

TIMEOUT_SECONDS = 4


def web_answers(host: str, port: int) -> bool:
    """Does a web server of ours answer there? (Everywhere means here.)"""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(near, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/live", headers={"Host": "localhost"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ticks_arrive(name: str) -> bool:
    import django

    django.setup()
    from helpline.health import was_seen

    return was_seen(name)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["web"]:
            env = Environment()
            healthy = web_answers(env.text("HOST", "127.0.0.1"), env.number("PORT", 8000))
        case ["worker" | "beat" | "sweeper" as name]:
            healthy = ticks_arrive(name)
        case _:
            sys.stderr.write("Usage: python -m helpline.probe web|worker|beat|sweeper\n")
            return 2
    return 0 if healthy else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
