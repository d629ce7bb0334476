"""A database that does not answer."""

from contextlib import contextmanager

from django.db import OperationalError, connection


@contextmanager
def no_database(error=OperationalError):
    def away(execute, sql, params, many, context):
        raise error("the server is gone")

    with connection.execute_wrapper(away):
        yield
