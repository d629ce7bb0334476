"""The fields of our form, each as plainly as it can be stored."""

from django.db import models


def one_of(*values, blank=False):
    choices = [(value, value.replace("_", " ")) for value in values]
    return models.CharField(max_length=40, choices=choices, blank=blank)


class Request(models.Model):
    in_danger = one_of("no", "unsure", "yes")
    phone = models.CharField(max_length=40)
    alias = models.CharField(max_length=80, blank=True)
    day = one_of("asap", "today", "tomorrow", "date", "now")
    on = models.DateField(null=True, blank=True)
    part = one_of("any", "morning", "afternoon", "evening")
    time_zone = one_of("America/New_York", "America/Chicago", "America/Denver", blank=True)
    zip_code = models.CharField(max_length=10, blank=True)
    voicemail = one_of("none", "neutral", "full")
    may_say = one_of("no", "yes")
    text_ok = one_of("no", "yes")
    who_for = one_of("me", "someone", "patient")
    language = one_of("en", "es")
    topic = one_of("medicine", "stopping", "finding_help", "cost", "other", blank=True)
    consent = models.BooleanField()
    requested_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"Request {self.pk}"
