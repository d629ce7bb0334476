"""Posting the name of every field of every model beside a form changes nothing more (AZ9)."""

import pytest

from tests.everywhere import walked

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="session")
def walk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return walked()


def test_no_form_changes_more_than_it_shows(walk):
    """Owners, states, ticks: each form alone, and with ``is_superuser``, ``claimed_by`` and the
    name of every other field beside it, does the very same."""
    assert walk.changing > 30, "hardly any form was taken, so nothing is proved"
    assert not walk.taken, "\n".join(walk.taken)
