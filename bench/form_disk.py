"""The databases of bench/public_form.py without Django: what is in them, and what the disk allows."""

import sqlite3
import threading
import time


def connect(url):
    """The driver's own connection; commits each statement by itself."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(
            url.removeprefix("sqlite:///"), isolation_level=None, timeout=20
        )
        connection.execute("PRAGMA journal_mode=WAL")
        return connection
    import psycopg

    return psycopg.connect(url, autocommit=True)


def rows(url, statement, *, fetch=True):
    connection = connect(url)
    try:
        found = connection.execute(statement)
        return found.fetchall() if fetch else []
    finally:
        connection.close()


def disk_rate(url, number, threads):
    """Rows a second that the driver inserts and commits, each by itself, on all connections."""
    rows_each = number // threads
    # SQLite does not wait for its turn to change the journal, so one connection does that first.
    rows(url, "CREATE TABLE IF NOT EXISTS request (answers VARCHAR(400))", fetch=False)
    started = threading.Barrier(threads + 1, timeout=60)

    def insert():
        connection = connect(url)
        mark = "?" if url.startswith("sqlite") else "%s"
        insertion = f"INSERT INTO request VALUES ({mark})"  # noqa: S608 - no value in it
        started.wait()
        started.wait()
        for _row in range(rows_each):
            connection.execute(insertion, ("x" * 300,))
        connection.close()

    workers = [threading.Thread(target=insert) for _thread in range(threads)]
    for worker in workers:
        worker.start()
    started.wait()
    began = time.perf_counter()
    started.wait()
    for worker in workers:
        worker.join()
    return rows_each * threads / (time.perf_counter() - began)
