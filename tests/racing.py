"""Two people who press at the same moment."""

import threading

from django.db import connection


def at_once(*actions):
    """Run the actions in threads that start together; what each ended as."""
    answers, start = [], threading.Barrier(len(actions))

    def run(action):
        try:
            start.wait()
            action()
        except Exception as error:
            answers.append(type(error).__name__)
        else:
            answers.append("done")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
