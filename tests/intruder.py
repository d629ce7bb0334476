"""The typist again, who sends every form once more with the name of every field there is (AZ9)."""

from collections import Counter
from http import HTTPStatus
from urllib.parse import urljoin

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models, transaction

from intake.crypto.column import EncryptedField
from tests.typist import Typist
from tests.walk import table_rows, text_of

MODELS = [User, *apps.get_app_config("intake").get_models()]
# Random, sealed or the time of day: different in any two rows.
ALWAYS_DIFFERENT = (
    EncryptedField,
    models.UUIDField,
    models.DateTimeField,
    models.BinaryField,
    models.JSONField,
)
# What was typed is shown again, or there is nothing to show: a page more or less is no change.
READ = "record.read"
RANDOM = {"reference", "mac", "request_token", "subject_id", "password", "username"}


def is_comparable(field):
    """Owners, states, ticks, codes: the columns that say who may do what."""
    is_random = isinstance(field, ALWAYS_DIFFERENT) or field.name in RANDOM or field.primary_key
    points_to_random = field.is_relation and isinstance(field.target_field, models.UUIDField)
    return not is_random and not points_to_random


FIELDS = {
    model: [field for field in model._meta.concrete_fields if is_comparable(field)]
    for model in MODELS
}
COLUMNS = {
    model._meta.db_table: sorted(field.column for field in chosen)
    for model, chosen in FIELDS.items()
}


class Intruder(Typist):
    """Presses every button twice: as it is, and with every field name there is added."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.taken, self.changing = [], 0

    def press(self, address, route, form, button):
        self.before = self.comparable(table_rows())
        with transaction.atomic():
            status = super().press(address, route, form, button)
            transaction.set_rollback(True)
        if button in form.buttons[1:]:
            return status  # another way on from the same form
        data = self.everything(form) | self.data
        sent = self.visit("POST", urljoin(address, form.action), data, route)
        hostile = self.changed(sent, table_rows())
        # Whether it was taken is one of them.
        self.changing += len(self.plain) > 1
        if self.plain != hostile:
            more = (hostile - self.plain) + (self.plain - hostile)
            self.taken.append(f"{self.role} {route} {button[:2]}: {dict(more)}")
        return status

    def look_into_the_database(self, sent, tables):
        super().look_into_the_database(sent, tables)
        self.plain = self.changed(sent, tables)

    def changed(self, sent, tables):
        """What a post did to the database."""
        changes = Counter(
            change
            for change in differences(self.before, self.comparable(tables))
            if READ not in change[-1]
        )
        changes[sent.status < HTTPStatus.BAD_REQUEST] = 1
        return changes

    def everything(self, form):
        """Every name with a value that would matter, plain and with the prefixes of the form."""
        prefixes = {name.rpartition("-")[0] for name in form.names if "-" in name}
        return {
            f"{prefix}{field.name}": [self.wanted(field)]
            for model, chosen in FIELDS.items()
            for field in [*chosen, *model._meta.many_to_many]
            for prefix in ("", *(f"{prefix}-" for prefix in prefixes))
            if f"{prefix}{field.name}" not in form.names
        }

    def wanted(self, field):
        if field.is_relation and field.related_model is User:
            return str(self.world.users["other"].pk)
        if field.choices:
            return str(list(field.flatchoices)[-1][0])
        if isinstance(field, models.BooleanField):
            return "on"
        if isinstance(field, models.DateTimeField):
            return "2026-03-09 10:00"
        return "1"

    def comparable(self, tables):
        """``{(table, key): comparable values}``."""
        found = {}
        for table, columns, rows in tables:
            if table in COLUMNS:
                places = [columns.index(column) for column in COLUMNS[table]]
                for row in rows:
                    found[table, text_of(row[0])] = tuple(text_of(row[place]) for place in places)
        return found


def differences(before, after):
    """What came, went or changed, by table and value; keys of new rows are random."""
    for key, values in after.items():
        if key not in before:
            yield key[0], "new", values
        elif before[key] != values:
            yield *key, values
    for key in before.keys() - after.keys():
        yield *key, "gone"
