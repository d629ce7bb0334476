"""Posting the name of every field of every model beside a form changes nothing more (AZ9)."""

from collections import Counter
from urllib.parse import urljoin

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.db import models, transaction

from intake.crypto.column import EncryptedField
from tests.conftest import NOW
from tests.routes import ROLES
from tests.typist import Typist
from tests.walk import ANONYMOUS, made_world, table_rows, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("walk")]

MODELS = [User, *apps.get_app_config("intake").get_models()]
# Random, sealed or the time of day: different in any two rows.
ALWAYS_DIFFERENT = (
    EncryptedField,
    models.UUIDField,
    models.DateTimeField,
    models.BinaryField,
    models.JSONField,
)
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
        # What it types is no canary: nobody looks for it.
        self.is_about_staff = True

    def press(self, address, route, form, button):
        data = self.filled(form) | ({button[0]: [button[1]]} if button[0] else {})
        before = self.rows()
        plain = self.changed(before, address, route, form, data)
        hostile = self.changed(before, address, route, form, self.everything(form) | data)
        # The status is one of them.
        self.changing += len(plain) > 1
        if plain != hostile:
            more = (hostile - plain) + (plain - hostile)
            self.taken.append(f"{self.role} {route} {button[:2]}: {dict(more)}")

    def changed(self, before, address, route, form, data):
        """What a post does to the database, which is taken back."""
        with transaction.atomic():
            visit = self.visit("POST", urljoin(address, form.action), data, route)
            changes = Counter(differences(before, self.rows()))
            changes[visit.status] = 1
            transaction.set_rollback(True)
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

    def rows(self):
        """``{(table, key): comparable values}``."""
        found = {}
        for table, columns, rows in table_rows():
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


def test_no_form_changes_more_than_it_shows():
    taken, changing, opened = [], 0, set()
    with time_machine.travel(NOW, tick=False) as clock:
        world = made_world()
        for role in (ANONYMOUS, *ROLES):
            intruder = Intruder(world, role, clock=clock)
            intruder.type_everywhere(but=opened)
            opened |= intruder.opened
            taken += intruder.taken
            changing += intruder.changing
    assert changing > 30, "hardly any form was taken, so nothing is proved"
    assert not taken, "\n".join(taken)
