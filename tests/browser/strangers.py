"""What somebody does who asks to be called, in the language of the page they are on."""

import re
from types import SimpleNamespace

from django.utils import timezone, translation
from django.utils.translation import gettext
from playwright.sync_api import expect

from intake.actions import answer_files, events
from intake.actions import answers as answer_cards
from intake.models import AnswerCard
from tests.callers import ANA, answers, ticket_in

PREFIXES = {"en": "", "es": "/es"}


def words(language, **texts):
    """Words of ours as the page of that language shows them."""
    with translation.override(language):
        return SimpleNamespace(**{name: gettext(text) for name, text in texts.items()})


def labels(language):
    return words(
        language,
        danger="Is someone in danger right now?",
        no="No",
        phone="Phone number",
        alias="What should we call you?",
        day="When should we call?",
        tomorrow="Tomorrow",
        morning="Morning, 8 a.m. to noon",
        zone="Your time zone",
        eastern="Eastern time",
        consent="You may call me at this number about my request.",
        send="Send",
        ask="Ask us to call you",
        thanks="We have your request.",
        check="Please check these answers",
        leave="Leave this page",
        not_sent="We got no answer. You may have no signal.",
        not_working="Something on our side does not work. This may not have reached us.",
    )


def fill_in(page, language="en", phone=ANA):
    """What must be answered, a name, and a time."""
    label = labels(language)
    page.get_by_role("group", name=label.danger).get_by_label(label.no, exact=True).check()
    page.get_by_label(label.phone).fill(phone)
    page.get_by_label(label.alias).fill("Zebrafinch")
    page.get_by_role("group", name=label.day).get_by_label(label.tomorrow).check()
    page.get_by_label(label.morning).check()
    page.get_by_label(label.zone).select_option(label.eastern)
    page.get_by_label(label.consent).check()


def send(page, language="en"):
    page.locator("main").get_by_role("button", name=labels(language).send, exact=True).click()


def expect_thanks(page, language="en"):
    expect(page.get_by_role("heading", level=1, name=labels(language).thanks)).to_be_visible()


def typed(page):
    """Whatever stands in the fields of the page."""
    return page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]):not([type=radio]), textarea')]"
        ".map((field) => field.type === 'checkbox' ? (field.checked ? 'yes' : '') : field.value)"
        ".filter(Boolean)"
    )


def review_answers(supervisor):
    """Every card that comes with us, in every language, as a helpline that read them all."""
    now = timezone.now()
    answer_files.load(by=events.SYSTEM, now=now)
    for card in AnswerCard.objects.all():
        answer_cards.review(card=card, version=card.version, by=supervisor, now=now)


def every_page(client, live_server, language="en"):
    """The path of every public page in one language, with a request that was sent."""
    prefix = PREFIXES[language]
    ticket = ticket_in(client.get(f"{prefix}/callback/"))
    sent = client.post(f"{prefix}/callback/", answers(ticket=ticket))
    assert sent.status_code == 302, sent.context["form"].errors
    thanks = sent["Location"]
    private = re.search(r'(?:/es)?/manage/[^/"<\s]+/', client.get(thanks).content.decode())
    return {
        "home": f"{prefix}/",
        "info": f"{prefix}/info/",
        "form": f"{prefix}/callback/",
        "thanks": thanks,
        "thanks-over": f"{prefix}/callback/thanks/nonsense/",
        **({"manage": private[0]} if private else {}),
    }
