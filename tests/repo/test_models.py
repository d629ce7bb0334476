"""Rules no one has to remember: every model and field is held to them by these tests."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models

from intake import crypto
from intake.admin.base import HelplineAdmin

pytestmark = pytest.mark.once

MODELS = list(apps.get_app_config("intake").get_models())
ENCRYPTED = tuple(
    getattr(crypto, name)
    for name in crypto.__all__
    if name.startswith("Encrypted") or name in {"BlindIndexField", "LoneDigestField"}
)
BY_NAME = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def constrained_pairs(model):
    """Every pair of fields one check constraint speaks of."""
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            named = set(re.findall(r"'(\w+?)(?:__\w+)?',", repr(constraint.condition)))
            yield constraint.name, named


@BY_NAME
def test_every_field_is_classed_as_personal_or_ordinary_and_never_both(model):
    fields = {field.name for field in model._meta.concrete_fields}
    assert model.Privacy.personal | model.Privacy.ordinary == fields
    assert not model.Privacy.personal & model.Privacy.ordinary


@BY_NAME
def test_every_personal_field_is_stored_encrypted_or_as_a_keyed_index(model):
    fields = {field.name: field for field in model._meta.concrete_fields}
    assert all(isinstance(fields[name], ENCRYPTED) for name in model.Privacy.personal)
    encrypted = {name for name, field in fields.items() if isinstance(field, ENCRYPTED)}
    assert encrypted == model.Privacy.personal


@BY_NAME
def test_every_moment_with_a_person_beside_it_is_constrained_as_a_pair(model):
    fields = {field.name: field for field in model._meta.concrete_fields}
    pairs = [
        (name, f"{name.removesuffix('_at')}_by")
        for name in fields
        if name.endswith("_at") and f"{name.removesuffix('_at')}_by" in fields
    ]
    for pair in pairs:
        if not any(fields[name].null for name in pair):
            continue  # both are always set
        held = [names for _name, names in constrained_pairs(model) if set(pair) <= names]
        assert held, f"{model.__name__}: no constraint pairs {pair}"


@BY_NAME
def test_every_model_is_registered_on_the_base_admin(model):
    registered = admin.site._registry.get(model)
    if model.__name__ in {"Allowance", "OnlineStop", "StaffSearch", "PersonNameWord", "SheetDraft"}:
        assert registered is None, "search terms, digests and drafts are nobody's to browse"
        return
    assert isinstance(registered, HelplineAdmin)


def test_every_admin_of_the_site_uses_the_base_class():
    for model, registered in admin.site._registry.items():
        assert isinstance(registered, HelplineAdmin), model


def test_no_model_takes_an_upload_or_a_url_from_anyone():
    for model in MODELS:
        for field in model._meta.concrete_fields:
            assert not isinstance(field, models.FileField | models.URLField), field


@BY_NAME
def test_names_of_records_are_neutral(model):
    personal = {name: "ZQX" for name in model.Privacy.personal if not name.endswith("_index")}
    record = model()
    for name in personal:
        if isinstance(model._meta.get_field(name), crypto.EncryptedTextField):
            setattr(record, name, "ZQX-canary")
    assert "ZQX" not in str(record)
    assert "ZQX" not in repr(record)
