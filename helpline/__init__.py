"""The project: settings, web server, task queue and start-up. No rules of the trade live here."""

from helpline.celery import app as celery_app

__all__ = ["celery_app"]
