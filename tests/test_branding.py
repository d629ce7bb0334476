"""How the helpline shows itself: drafts, publishing, the colors, the one file that is taken."""

import io
import re
import threading
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from helpline.requests import FilesWhereWanted
from intake.actions import brand_text, branding, dialable
from intake.actions.brand_text import BrandText
from intake.admin import briefing
from intake.models import Branding, Event, Person
from intake.rules import branding as colors
from intake.rules import voicemails
from intake.rules.preview_style import contained
from tests.casting import maria, open_callback
from tests.outage import no_database
from tests.racing import at_once
from tests.routes import routes
from tests.test_logos import chunks, drawn, file_of, png_of

PUBLIC_CSS = Path(project.BASE_DIR) / "intake" / "static" / "intake" / "public.css"
OURS = {
    "name": "Northern Lights Helpline",
    "number": "+18005550142",
    "accent": "#7a2048",
    "promise_en": "A person answers, at any hour.",
    "promise_es": "Le contesta una persona, a cualquier hora.",
    "voicemail_en": "Hello, I will ring again. Goodbye.",
    "voicemail_es": "Hola, llamaré otra vez. Adiós.",
}
COLOR = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """No test knows what another one published."""
    monkeypatch.setattr(branding, "_published", branding._Published())


def drafted(by, now, logo=None, **fields):
    draft = branding.begin(by=by, now=now)
    given = BrandText(**{**BrandText.of(draft).columns(), **fields})
    branding.change(draft=draft, given=given, revision=0, logo=logo, by=by, now=now)
    return draft


def published(by, now, logo=None, **fields):
    draft = drafted(by, now, logo, **(fields or OURS))
    branding.publish(draft=draft, revision=draft.revision, by=by, now=now)
    return draft


def verbs():
    return list(Event.objects.values_list("verb", flat=True))


# --- What the pages show --------------------------------------------------------------------------


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
        assert may_go_on.wait(5)

    monkeypatch.setattr(branding._Published, "_look", slow)
    waiting = threading.Thread(target=branding.current)
    waiting.start()
    assert is_looking.wait(5)
    assert branding.current().name == project.HELPLINE_NAME
    may_go_on.set()
    waiting.join()


# --- Where else it counts -------------------------------------------------------------------------


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


# --- Drafts and publishing ------------------------------------------------------------------------


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


# --- The colors -----------------------------------------------------------------------------------


def tokens(block):
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def sheet():
    """The variables of public.css by day and by night."""
    text = PUBLIC_CSS.read_text(encoding="utf-8")
    day, night = re.findall(r":root \{([^}]*)\}", text)[:2]
    return tokens(day), tokens(night)


def test_the_rule_knows_the_papers_of_the_public_pages():
    """If this fails, public.css has changed: change intake/rules/branding.py with it."""
    day, night = sheet()
    assert {name: day[name] for name in colors.DAY_PAPERS} == colors.DAY_PAPERS
    assert {name: night[name] for name in colors.NIGHT_PAPERS} == colors.NIGHT_PAPERS


def test_the_style_sets_only_variables_the_public_pages_have():
    day, night = re.findall(r":root \{([^}]*)\}", colors.stylesheet("#7a2048"))
    assert set(tokens(day)) == set(tokens(night)) == {"accent", "accent-fill", "on-accent", "wash"}
    assert set(tokens(day)) <= set(sheet()[0])


@given(COLOR, st.one_of(st.just(""), COLOR))
def test_every_color_that_passes_can_be_read_by_day_and_by_night(accent, accent_dark):
    refused = dict(colors.refusals(accent, accent_dark))
    if not refused:
        palettes = (colors.day(accent), colors.night(accent, accent_dark))
        for palette in palettes:
            for paper in (*palette.papers, palette.wash):
                assert colors.contrast(palette.accent, paper) >= 4.5
            assert colors.contrast(palette.on_fill, palette.fill) >= 4.5
    for sentence in refused.values():
        nearest = re.findall(r"#[0-9a-f]{6}", sentence)
        assert nearest, sentence
    assert colors.day(colors.nearest_readable_by_day(accent)).is_readable
    assert colors.night(accent).is_readable


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#0e5a66", "#0e5a66", 1.0)],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert colors.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert colors.contrast(other, one) == colors.contrast(one, other)


@pytest.mark.parametrize(
    ("typed", "color"),
    [("#0E5A66", "#0e5a66"), (" 0e5a66 ", "#0e5a66"), ("#abc", "#aabbcc"), ("", ""), ("#", "")],
)
def test_a_color_is_read_as_people_write_it(typed, color):
    assert colors.parse(typed) == color


@pytest.mark.parametrize(
    "typed",
    [
        "red",
        "#12345",
        "#1234567",
        "rgb(1,2,3)",
        "#0e5a66;}",
        "url(x)",
        "#\u0660e5a66",
        "expression()",
    ],
)
def test_what_is_no_color_gets_into_no_style(typed):
    with pytest.raises(colors.NotAColor):
        colors.parse(typed)
    with pytest.raises(colors.NotAColor):
        colors.stylesheet(typed)


def test_by_night_the_style_changes_colors_and_nothing_else():
    """As tests/repo/test_house_rules.py asks of every sheet."""
    style = colors.stylesheet("#7a2048", "#d99ab8")
    night = style.partition("@media (prefers-color-scheme: dark) {")[2]
    lines = [line.strip() for line in night.splitlines() if line.strip()]
    assert lines[0] == ":root {"
    assert lines[-2:] == ["}", "}"]
    assert all(re.fullmatch(r"--[\w-]+: #[0-9a-f]{6};", line) for line in lines[1:-2])
    assert "url(" not in style


def test_the_sheet_of_a_view_speaks_of_the_view_and_not_of_the_window():
    css = PUBLIC_CSS.read_text(encoding="utf-8") + colors.stylesheet("#7a2048", "#d99ab8")
    for is_night, kept, gone in ((False, "#7a2048", "#d99ab8"), (True, "#d99ab8", None)):
        made = contained(css, is_night=is_night)
        assert not re.search(r":root|^html|^body|prefers-color-scheme|\d(?:rem|vw)\b", made, re.M)
        assert kept in made
        assert gone is None or gone not in made
        assert "@container (min-width: 768px)" in made
        assert not re.search(r"@media[^{]*width", made)
        assert made.count("{") == made.count("}")


# --- The staff pages ------------------------------------------------------------------------------


def page(draft, name="edit"):
    return reverse(f"admin:intake_branding_{name}", args=[draft.pk])


def typed(draft, **fields):
    return {"revision": draft.revision, **BrandText.of(draft).columns(), **fields}


def upload(data, name="logo.png"):
    return SimpleUploadedFile(name, data)


@pytest.mark.django_db
def test_from_the_list_to_the_public_page(client, client_for, administrator, supervisor):
    """An administrator prepares it, a supervisor publishes it."""
    hers, theirs = client_for(administrator), client_for(supervisor)
    begun = hers.post(reverse("admin:intake_branding_add"))
    draft = Branding.objects.get()
    assert begun.url == page(draft)
    kept = hers.post(begun.url, typed(draft, **OURS) | {"logo": upload(file_of(drawn()))})
    assert kept.status_code == 302
    shown = hers.get(kept.url).content.decode()
    assert "7.8 : 1" in shown
    assert "A supervisor publishes it." in shown
    assert hers.get(page(draft, "publish")).status_code == 403
    done = theirs.post(page(draft, "publish"), {"revision": 1, "looked": "on"})
    assert done.status_code == 302
    assert OURS["name"] in client.get("/").content.decode()
    assert client.get(reverse("brand-logo")).status_code == 200


@pytest.mark.django_db
def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(
    client_for, supervisor, now
):
    draft = branding.begin(by=supervisor, now=now)
    wrong = typed(
        draft,
        name="Almond Line",
        number="555",
        accent="#ffcc00",
        accent_dark="mauve",
        promise_en="Take 2 mg first.",
        voicemail_en="Almond Line here.",
        voicemail_es="Sobre su tratamiento.",
    )
    response = client_for(supervisor).post(page(draft), wrong | {"logo": upload(b"<svg>")})
    assert response.status_code == 422
    form = response.context["form"]
    told = ("number", "accent", "accent_dark", "promise_en", "voicemail_en", "voicemail_es", "logo")
    assert set(form.errors) == set(told)
    assert "#806600" in form.errors["accent"][0]
    text = response.content.decode()
    assert all(str(value) in text for name, value in wrong.items() if name != "revision")
    draft.refresh_from_db()
    assert BrandText.of(draft) == BrandText()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "submitted file is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "no PNG"),
        (png_of(60_000, 60_000), "too large"),
        (b"\x89PNG" + bytes(600_000), "512 kB"),
    ],
    ids=["empty", "svg", "bomb", "heavy"],
)
def test_a_file_that_is_no_logo_is_refused_with_the_reason(data, why, client_for, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    response = client_for(supervisor).post(page(draft), typed(draft) | {"logo": upload(data)})
    assert response.status_code == 422
    assert why in response.context["form"].errors["logo"][0]
    assert Branding.objects.get().logo is None


@pytest.mark.django_db
def test_a_body_over_a_megabyte_is_refused_before_it_is_read(client_for, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    heavy = typed(draft) | {"logo": upload(bytes(1_100_000))}
    assert client_for(supervisor).post(page(draft), heavy).status_code == 413


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\0b.png", "x" * 5000, "logo.php", "\u202egnp.exe"]
)
def test_the_name_of_the_file_is_nothing_to_us(name, client_for, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    file = upload(file_of(drawn(64, 32)))
    file.name, file._name = name, name
    response = client_for(supervisor).post(page(draft), typed(draft) | {"logo": file})
    assert response.status_code in {302, 400, 422}


@pytest.mark.django_db
def test_after_another_field_was_wrong_the_page_asks_for_the_file_once_more(
    client_for, supervisor, now
):
    draft = branding.begin(by=supervisor, now=now)
    wrong = typed(draft, accent="#ffffff") | {"logo": upload(file_of(drawn()))}
    response = client_for(supervisor).post(page(draft), wrong)
    assert "choose the logo file once more" in response.content.decode()


@pytest.mark.django_db
def test_a_page_left_open_does_not_undo_what_a_colleague_wrote(client_for, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    client = client_for(supervisor)
    client.post(page(draft), typed(draft, name="Newer"))
    late = client.post(page(draft), typed(draft, name="Older"))
    assert late.status_code == 422
    assert "Somebody changed this draft" in late.content.decode()
    assert Branding.objects.get().name == "Newer"


@pytest.mark.django_db
def test_a_draft_is_published_only_with_the_tick(client_for, supervisor, now):
    draft = drafted(supervisor, now, **OURS)
    response = client_for(supervisor).post(page(draft, "publish"), {"revision": 1})
    assert response.status_code == 422
    assert branding.current().name == project.HELPLINE_NAME


@pytest.mark.django_db
def test_of_a_version_that_is_no_draft_no_form_is_shown(client_for, supervisor, now):
    version = published(supervisor, now)
    for name in ("edit", "publish", "give_up"):
        text = client_for(supervisor).get(page(version, name)).content.decode()
        assert "This is no draft any more" in text
        assert 'id="action"' not in text


@pytest.mark.django_db
def test_an_old_version_is_used_again_through_a_draft(client_for, supervisor, now):
    old = published(supervisor, now)
    published(supervisor, now, name="Southern Star")
    assert client_for(supervisor).post(page(old, "again")).status_code == 302
    assert branding.draft().name == OURS["name"]
    refused = client_for(supervisor).post(page(old, "again"))
    assert "working on a draft already" in refused.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["agent", "privacy_officer"])
def test_who_neither_prepares_nor_publishes_sees_none_of_it(
    role, request, client_for, supervisor, now
):
    draft = drafted(supervisor, now, **OURS)
    client = client_for(request.getfixturevalue(role))
    for name in ("change", "edit", "publish", "give_up", "again", "history"):
        assert client.get(page(draft, name)).status_code == 403, name
    for name in ("home", "thanks", "style", "logo", "day", "night"):
        assert client.get(reverse(f"brand-preview-{name}")).status_code == 403, name


# --- The preview ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", ["home", "thanks"])
def test_the_preview_shows_the_draft_in_the_public_page_itself(
    name, language, client, client_for, administrator, supervisor, now
):
    published(supervisor, now, name="Southern Star")
    drafted(administrator, now, file_of(drawn()), **OURS)
    with translation.override(language):
        address = reverse(f"brand-preview-{name}")
    shown = client_for(administrator).get(address)
    text = shown.content.decode()
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store"
    assert OURS["name"] in text
    assert "Southern Star" not in text
    assert reverse("brand-preview-style") in text
    assert reverse("brand-preview-logo") in text
    assert client.get(address).status_code == 302


@pytest.mark.django_db
def test_the_preview_has_the_style_and_the_logo_of_the_draft(client_for, supervisor, now):
    drafted(supervisor, now, file_of(drawn()), **OURS)
    client = client_for(supervisor)
    assert OURS["accent"] in client.get(reverse("brand-preview-style")).content.decode()
    assert client.get(reverse("brand-preview-logo"))["Content-Type"] == "image/png"
    for when in ("day", "night"):
        assert ":host" in client.get(reverse(f"brand-preview-{when}")).content.decode()
    assert client.post(reverse("brand-preview-home")).status_code == 405


@pytest.mark.django_db
def test_without_a_draft_the_preview_is_the_site_as_it_is(client_for, supervisor):
    client = client_for(supervisor)
    assert project.HELPLINE_NAME in client.get(reverse("brand-preview-home")).content.decode()
    assert client.get(reverse("brand-preview-style")).status_code == 404


# --- The one page that takes a file ---------------------------------------------------------------


def takes_files():
    return {
        str(route) for route in routes() if getattr(route.pattern.callback, "takes_files", False)
    }


def test_one_address_of_the_whole_project_takes_a_file():
    assert project.FILE_UPLOAD_HANDLERS == []
    assert takes_files() == {"admin/intake/branding/<path:object_id>/edit/"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/callback/", "/es/callback/", "/admin/login/", "/hooks/phone"])
def test_everywhere_else_a_file_is_read_past_and_kept_nowhere(path, client):
    response = client.post(path, {"logo": upload(file_of(drawn())), "name": "x"})
    assert response.wsgi_request.FILES == {}
    assert response.wsgi_request.upload_handlers == []


@pytest.mark.django_db
def test_who_is_not_signed_in_has_no_file_read_there_either(client, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    response = client.post(page(draft), typed(draft) | {"logo": upload(file_of(drawn()))})
    assert response.status_code == 302
    assert response.wsgi_request.FILES == {}


@pytest.mark.django_db
def test_the_page_with_the_file_is_guarded_against_forged_forms(client_for, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    client = client_for(supervisor, enforce_csrf_checks=True)
    forged = client.post(page(draft), typed(draft) | {"logo": upload(file_of(drawn()))})
    assert forged.status_code == 403
    assert Branding.objects.get().logo is None


def test_the_file_is_let_in_before_the_form_is_read():
    """The check against forged forms reads it."""
    order = project.MIDDLEWARE
    ours = f"{FilesWhereWanted.__module__}.{FilesWhereWanted.__name__}"
    assert order.index(ours) < order.index("django.middleware.csrf.CsrfViewMiddleware")


@pytest.mark.django_db
def test_the_logo_stored_is_one_we_wrote(client_for, supervisor, now):
    exif = Image.Exif()
    exif[0x010E] = "ZQX at home"
    draft = branding.begin(by=supervisor, now=now)
    photo = file_of(drawn(900, 300, "RGB"), "JPEG", exif=exif)
    client_for(supervisor).post(page(draft), typed(draft) | {"logo": upload(photo, "photo.jpg")})
    stored = bytes(Branding.objects.get().logo)
    assert b"ZQX" not in stored
    with Image.open(io.BytesIO(stored)) as made:
        assert made.format == "PNG"
        assert not made.getexif()


def test_the_default_voicemail_passes_its_own_rule():
    given = BrandText(voicemail_en=voicemails.DEFAULT["en"], voicemail_es=voicemails.DEFAULT["es"])
    assert given.told() == {}
