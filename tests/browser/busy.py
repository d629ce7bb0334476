"""What the server of the tests is still working on, though nobody may wait for it any more.

A browser that leaves a page gives up its questions; the threads that answer them do not know.
"""

from threading import Condition, Event

PATIENCE = 30  # seconds


class Busy:
    """A WSGI application that knows how many of its answers are not finished."""

    def __init__(self, application):
        self.application = application
        self.count, self.changed = 0, Condition()

    def __call__(self, environ, start_response):
        self._change(+1)
        try:
            answer = self.application(environ, start_response)
        except BaseException:
            self._change(-1)
            raise
        close = answer.close

        # An answer is closed once, and gives back its database connection then.
        def closed():
            try:
                close()
            finally:
                self._change(-1)

        answer.close = closed
        return answer

    def _change(self, by):
        with self.changed:
            self.count += by
            self.changed.notify_all()

    def wait_until_idle(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count == 0, 2 * PATIENCE), "still answering"


def slowly(function):
    """The same, only once it is let: on a line as slow as that."""
    let = Event()

    def waiting(*args, **kwargs):
        let.wait(PATIENCE)
        return function(*args, **kwargs)

    return waiting, let
