"""Our own lines are nobody's number: wherever one is typed, the form says so and keeps the rest."""

import pytest
from django.core.exceptions import ValidationError

from intake.admin.insurance_forms import PolicyForm
from intake.models import Call, Callback, Person
from tests import brands
from tests.callers import answers, ticket_in
from tests.sheets import ADD, posted, text_of

pytestmark = pytest.mark.django_db

OUR_LINE, TYPED = "+12025550142", "(202) 555-0142"
REFUSAL = "That is one of our own lines."


@pytest.fixture(autouse=True)
def our_line(monkeypatch, supervisor, now):
    """Published at the desk; the settings know nothing of it."""
    brands.forget(monkeypatch)
    brands.published(supervisor, now, number=OUR_LINE)


@pytest.mark.parametrize(
    "wrong",
    [{"caller__phone": TYPED}, {"call__call_type": "about_other", "person__phone": TYPED}],
    ids=["the caller's", "the person's in need"],
)
def test_the_call_sheet_refuses_it_and_loses_nothing(client_for, agent, frozen, wrong):
    browser = client_for(agent)
    told = {
        "call__narrative": "She is out of breath.",
        "caller__alias": "Zebrafinch",
        "caller__zip_code": "60601",
    }
    response = browser.post(ADD, posted(**told, **wrong))
    page = text_of(response)
    assert response.status_code == 422
    assert page.count(REFUSAL) >= 2  # in the summary and beside the field
    for value in (*told.values(), TYPED):
        assert value in page
    assert not Call.objects.exists()
    assert not Person.objects.exists()
    right = {name: "(202) 555-0143" for name in wrong if name.endswith("phone")}
    assert browser.post(ADD, posted(**told, **(wrong | right))).status_code == 302
    assert Call.objects.get().narrative == told["call__narrative"]


@pytest.mark.parametrize(
    ("prefix", "refusal"),
    [("", REFUSAL), ("/es", "Ese es uno de nuestros propios números.")],
    ids=["English", "Spanish"],
)
def test_the_public_form_refuses_it_and_loses_nothing(client, frozen, prefix, refusal):
    ticket = ticket_in(client.get(f"{prefix}/callback/"))
    frozen.shift(60)
    typed = answers(ticket=ticket, phone=TYPED, alias="Zebrafinch")
    response = client.post(f"{prefix}/callback/", typed)
    content = text_of(response)
    assert response.status_code == 422
    for told in (refusal, "Zebrafinch", TYPED):
        assert told in content
    assert not Callback.objects.exists()
    again = client.post(f"{prefix}/callback/", typed | {"phone": "(202) 555-0143"})
    assert again.status_code == 302


def test_it_is_no_insurers_phone_either():
    with pytest.raises(ValidationError, match=REFUSAL):
        PolicyForm.base_fields["payer_phone"].clean(TYPED)


def test_any_other_number_is_taken_as_before(client_for, agent, frozen):
    assert client_for(agent).post(ADD, posted()).status_code == 302
