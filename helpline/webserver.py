"""Gunicorn's configuration: gunicorn -c python:helpline.webserver helpline.wsgi"""

import os

from helpline.environment import Environment

env = Environment()

bind = f"{env.text('HOST', '127.0.0.1')}:{env.number('PORT', 8000, most=65535)}"
worker_class = "gthread"
workers = env.number("WEB_CONCURRENCY", 1, most=64)
threads = 8
# Longer than any statement may take (settings.DATABASES), so that the database gives up first.
timeout = 60
graceful_timeout = 10
# In memory: a slow disk must not look like a stuck worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# It would listen for commands on a socket of its own.
control_socket_disable = True

# No query string, no referrer, no address of the caller, no browser.
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"
_loggers = {
    name: {"level": "INFO", "handlers": ["console"], "propagate": False, "qualname": name}
    for name in ("gunicorn.error", "gunicorn.access")
}
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "helpline.reporting.LineFormatter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": _loggers,
}
