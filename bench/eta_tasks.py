"""Celery as a careful user sets it up for reminders: one task a row, with its ``eta``.

Late acknowledgment, one message ahead, a killed worker's messages come back after two minutes (the
shortest time-out that outlasts the eta of the bench), and a second run marks nothing.
"""

import os

import psycopg
from celery import Celery
from reminder_rows import MARK_ONE

app = Celery("eta_tasks", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    result_backend=None,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 120,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
)
_connections: dict[int, psycopg.Connection] = {}


@app.task
def mark(reminder: str) -> None:
    # One connection a process, opened after the fork.
    process = os.getpid()
    if process not in _connections:
        _connections[process] = psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True)
    _connections[process].execute(MARK_ONE, {"reminder": reminder})
