"""How the helpline shows itself: what its pages show, drafts and publishing."""

import threading

import pytest
from django.conf import settings as project
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from intake.actions import brand_text, branding, dialable
from intake.actions.brand_text import BrandText
from intake.admin import briefing
from intake.models import Branding, Event, Person
from intake.rules import voicemails
from tests import brands, patience
from tests.brands import OURS, drafted, published
from tests.casting import maria, open_callback
from tests.outage import no_database
from tests.racing import at_once
from tests.test_logos import chunks, drawn, file_of


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """No test knows what another one published."""
    brands.forget(monkeypatch)


def verbs():
    return list(Event.objects.values_list("verb", flat=True))


# --- What the pages show -------------------------------------------------------------------------


@pytest.mark.django_db
def test_before_anything_is_published_the_settings_speak(client, settings):
    settings.HELPLINE_NAME, settings.HELPLINE_NUMBER = "Almond Line", "+12025550100"
    page = client.get("/").content.decode()
    assert "Almond Line" in page
    assert "1-202-555-0100" in page
    assert reverse("brand-style") not in page
    assert client.get(reverse("brand-style")).status_code == 404
    assert client.get(reverse("brand-logo")).status_code == 404


@pytest.mark.django_db
def test_what_is_published_is_on_every_public_page(client, supervisor, now):
    published(supervisor, now, file_of(drawn()), **OURS)
    for path in ("/", "/callback/", "/es/", "/es/callback/"):
        page = client.get(path).content.decode()
        assert OURS["name"] in page, path
        assert "1-800-555-0142" in page, path
        assert 'href="tel:+18005550142"' in page, path
        assert f'href="{reverse("brand-style")}"' in page, path
        assert f'src="{reverse("brand-logo")}"' in page, path
    assert OURS["promise_en"] in client.get("/").content.decode()
    assert OURS["promise_es"] in client.get("/es/").content.decode()


@pytest.mark.django_db
def test_a_draft_is_on_no_public_page(client, supervisor, now):
    before = client.get("/").content
    drafted(supervisor, now, file_of(drawn()), **OURS)
    assert client.get("/").content == before
    assert client.get(reverse("brand-logo")).status_code == 404


@pytest.mark.django_db
def test_what_is_left_empty_stays_as_the_settings_and_the_page_have_it(client, supervisor, now):
    published(supervisor, now, promise_es=OURS["promise_es"])
    brand = branding.current()
    assert brand.name == project.HELPLINE_NAME
    assert brand.number == project.HELPLINE_NUMBER
    assert brand.logo_url == brand.style_url == ""
    with translation.override("en"):
        assert brand.promise == ""
    with translation.override("es"):
        assert brand.promise == OURS["promise_es"]


@pytest.mark.django_db
def test_the_style_and_the_logo_are_kept_by_no_browser(client, supervisor, now):
    published(supervisor, now, file_of(drawn()), **OURS)
    style, logo = client.get(reverse("brand-style")), client.get(reverse("brand-logo"))
    assert style["Content-Type"] == "text/css; charset=utf-8"
    assert logo["Content-Type"] == "image/png"
    for response in (style, logo):
        assert response["Cache-Control"] == "no-store"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert not response.cookies
    assert len(logo.content) <= 16 * 1024
    assert chunks(logo.content)
    assert client.post(reverse("brand-logo")).status_code == 405


@pytest.mark.django_db
def test_the_first_page_and_its_numbers_stand_with_the_database_away(client, settings):
    settings.HELPLINE_NUMBER = "+12025550100"
    with no_database():
        response = client.get("/")
        assert branding.current().number == "+12025550100"
    page = response.content.decode()
    assert response.status_code == 200
    assert all(number in page for number in ("tel:911", "tel:988", "tel:+12025550100"))


@pytest.mark.django_db
def test_with_the_database_away_the_last_brand_known_is_shown(client, supervisor, now):
    published(supervisor, now)
    assert branding.current().name == OURS["name"]
    with no_database():
        assert OURS["name"] in client.get("/").content.decode()


@pytest.mark.django_db
def test_it_is_looked_up_once_in_ten_seconds(supervisor, now, settings, django_assert_num_queries):
    settings.BRAND_KEPT_SECONDS = 10.0
    with django_assert_num_queries(1):
        assert {branding.current().name for _ in range(5)} == {project.HELPLINE_NAME}


@pytest.mark.django_db(transaction=True)
def test_who_publishes_sees_it_at_once(supervisor, now, settings):
    settings.BRAND_KEPT_SECONDS = 3600.0
    assert branding.current().name != OURS["name"]
    published(supervisor, now)
    assert branding.current().name == OURS["name"]


@pytest.mark.django_db
def test_while_one_request_waits_for_the_database_the_others_do_not(settings, monkeypatch):
    settings.BRAND_KEPT_SECONDS = 0.0
    branding.current()
    is_looking, may_go_on = threading.Event(), threading.Event()

    def slow(self):
        is_looking.set()
        assert may_go_on.wait(patience.SECONDS)

    monkeypatch.setattr(branding._Published, "_look", slow)
    waiting = threading.Thread(target=branding.current)
    waiting.start()
    assert is_looking.wait(patience.SECONDS)
    assert branding.current().name == project.HELPLINE_NAME
    may_go_on.set()
    waiting.join()


# --- Where else it counts ------------------------------------------------------------------------


@pytest.mark.django_db
def test_our_published_number_is_never_rung_as_a_callers(supervisor, now):
    assert dialable.decide("+12025550142").ok
    published(supervisor, now, number="+12025550142")
    assert dialable.decide("+12025550142").reason == "That is one of our own lines."
    with pytest.raises(dialable.NotDialable):
        dialable.require("+12025550142")


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_agent_reads_the_published_voicemail_in_the_persons_language(
    language, agent, supervisor, now
):
    person = maria(language=language, voicemail_rule=Person.VoicemailRule.NEUTRAL)
    callback = open_callback(due_at=now, now=now, person=person, owner=agent)
    assert briefing.voicemail(callback, []).say == voicemails.DEFAULT[language]
    published(supervisor, now)
    assert briefing.voicemail(callback, []).say == OURS[f"voicemail_{language}"]


@pytest.mark.parametrize(
    ("language", "words"), [("es", "Hola"), ("es-US", "Hola"), ("vi", "Hello")]
)
def test_other_languages_get_the_english_words(language, words):
    assert branding.Brand(name="", number="").voicemail(language).startswith(words)


def test_the_default_voicemail_passes_its_own_rule():
    given = BrandText(voicemail_en=voicemails.DEFAULT["en"], voicemail_es=voicemails.DEFAULT["es"])
    assert given.told() == {}


# --- Drafts and publishing -----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_draft_begins_as_a_copy_of_what_is_published(supervisor, administrator, now):
    published(supervisor, now, file_of(drawn()), **OURS)
    draft = branding.begin(by=administrator, now=now)
    assert BrandText.of(draft) == BrandText(**OURS)
    assert draft.logo
    assert branding.current().name == OURS["name"]


@pytest.mark.django_db
def test_there_is_one_draft(supervisor, administrator, now):
    branding.begin(by=supervisor, now=now)
    with pytest.raises(branding.DraftExists):
        branding.begin(by=administrator, now=now)
    assert Branding.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_begin_at_once_have_one_draft(supervisor, administrator, now):
    ended = at_once(
        lambda: branding.begin(by=supervisor, now=now),
        lambda: branding.begin(by=administrator, now=now),
    )
    assert sorted(ended) == ["DraftExists", "done"]


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_at_once_publish_once(supervisor, now):
    draft = drafted(supervisor, now, **OURS)

    def publish():
        mine = Branding.objects.get(pk=draft.pk)
        branding.publish(draft=mine, revision=1, by=supervisor, now=now)

    assert sorted(at_once(publish, publish))[1] == "done"
    assert Branding.objects.filter(status="published").count() == 1
    assert verbs().count("branding.published") == 1


@pytest.mark.django_db
def test_publishing_keeps_what_was_shown_before(supervisor, now):
    first = published(supervisor, now)
    second = published(supervisor, now, name="Southern Star")
    first.refresh_from_db()
    assert (first.status, first.retired_at) == ("retired", now)
    assert branding.current().name == "Southern Star"
    again = branding.begin(like=first, by=supervisor, now=now)
    branding.publish(draft=again, revision=0, by=supervisor, now=now)
    assert branding.current().name == OURS["name"]
    assert Branding.objects.get(pk=second.pk).status == "retired"


@pytest.mark.django_db
def test_a_change_that_crosses_anothers_is_refused(supervisor, administrator, now):
    draft = drafted(supervisor, now, name="Mine")
    with pytest.raises(branding.DraftChanged):
        branding.change(
            draft=draft, given=BrandText(name="Old"), revision=0, by=administrator, now=now
        )
    with pytest.raises(branding.DraftChanged):
        branding.publish(draft=draft, revision=0, by=supervisor, now=now)
    draft.refresh_from_db()
    assert (draft.name, draft.status) == ("Mine", "draft")


@pytest.mark.django_db
def test_what_is_no_draft_any_more_is_neither_changed_nor_published(supervisor, now):
    done = published(supervisor, now)
    for act in (
        lambda: branding.change(draft=done, given=BrandText(), revision=1, by=supervisor, now=now),
        lambda: branding.publish(draft=done, revision=1, by=supervisor, now=now),
        lambda: branding.give_up(draft=done, by=supervisor, now=now),
    ):
        with pytest.raises(branding.NoDraft):
            act()
    assert branding.current().name == OURS["name"]


@pytest.mark.django_db
def test_a_draft_given_up_makes_room_and_changes_nothing(supervisor, now):
    branding.give_up(draft=drafted(supervisor, now, name="No"), by=supervisor, now=now)
    assert branding.draft() is None
    assert branding.current().name == project.HELPLINE_NAME
    assert branding.begin(by=supervisor, now=now).name == ""


@pytest.mark.django_db
def test_the_logo_stays_until_it_is_replaced_or_taken_away(supervisor, now):
    draft = drafted(supervisor, now, file_of(drawn()))
    kept = bytes(draft.logo)
    steps = [({}, True), ({"without_logo": True}, False)]
    for revision, (how, has_logo) in enumerate(steps, start=1):
        branding.change(
            draft=draft, given=BrandText(), revision=revision, by=supervisor, now=now, **how
        )
        draft.refresh_from_db()
        assert bool(draft.logo) is has_logo
        assert draft.logo is None or bytes(draft.logo) == kept


@pytest.mark.django_db
def test_each_step_is_in_the_audit_and_no_word_of_the_text(supervisor, now):
    published(supervisor, now, file_of(drawn()), **OURS)
    draft = branding.begin(by=supervisor, now=now)
    branding.give_up(draft=draft, by=supervisor, now=now)
    assert sorted(verb for verb in verbs() if verb.startswith("branding")) == [
        "branding.begun",
        "branding.begun",
        "branding.changed",
        "branding.given_up",
        "branding.published",
    ]
    told = str(list(Event.objects.values_list("detail", flat=True)))
    assert "'name'" in told
    assert not any(words in told for words in OURS.values())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"accent": "#ffcc00"}, brand_text.NotReadable),
        ({"accent": "#7a2048", "accent_dark": "#220011"}, brand_text.NotReadable),
        ({"accent_dark": "#ffffff"}, brand_text.NotReadable),
        ({"voicemail_en": "About your treatment."}, brand_text.TellsTooMuch),
        ({"voicemail_es": "Sobre el Xanax."}, brand_text.TellsTooMuch),
        ({"name": "Almond Line", "voicemail_en": "Almond here."}, brand_text.TellsTooMuch),
        ({"number": "+19005550123"}, brand_text.NotOurNumber),
        ({"number": "+442079460000"}, brand_text.NotOurNumber),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_kept(fields, refusal, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    with pytest.raises(refusal):
        branding.change(draft=draft, given=BrandText(**fields), revision=0, by=supervisor, now=now)
    draft.refresh_from_db()
    assert BrandText.of(draft) == BrandText()


@pytest.mark.django_db
def test_a_file_that_is_no_logo_changes_nothing_else_either(supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    with pytest.raises(branding.LogoRefused, match="no PNG"):
        branding.change(
            draft=draft, given=BrandText(**OURS), revision=0, logo=b"<svg>", by=supervisor, now=now
        )
    draft.refresh_from_db()
    assert BrandText.of(draft) == BrandText()


@pytest.mark.django_db
def test_the_rules_are_asked_once_more_when_it_is_published(supervisor, now):
    """The name in the settings may have changed since."""
    draft = drafted(supervisor, now, voicemail_en="Hello, Almond, I will ring again.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "HELPLINE_NAME", "Almond Line")
        with pytest.raises(brand_text.TellsTooMuch):
            branding.publish(draft=draft, revision=1, by=supervisor, now=now)
    assert branding.draft() is not None


@pytest.mark.django_db
def test_an_invented_number_is_refused_in_production(settings):
    assert brand_text.number_refusal("+12025550142") == ""
    settings.PRODUCTION = True
    assert "invented people" in brand_text.number_refusal("+12025550142")
    assert brand_text.number_refusal("+18005550142") == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "published"},
        {"status": "retired"},
        {"logo": b"x"},
        {"accent_dark": "#ffffff"},
        {"retired_at": True},
        {"published_at": True},
    ],
    ids=str,
)
def test_the_database_keeps_no_half_version(wrong, supervisor, now):
    fields = {name: now if value is True else value for name, value in wrong.items()}
    version = Branding(begun_at=now, begun_by=supervisor, **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        version.save()
