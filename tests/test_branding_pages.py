"""How the helpline shows itself: the staff's pages, the preview, and the one file that is taken."""

import io

import pytest
from django.conf import settings as project
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation
from PIL import Image

from helpline.requests import FilesWhereWanted
from intake.actions import branding
from intake.actions.brand_text import BrandText
from intake.models import Branding
from tests import brands
from tests.brands import OURS, drafted, page, published
from tests.routes import routes
from tests.test_logos import drawn, file_of, png_of


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """No test knows what another one published."""
    brands.forget(monkeypatch)


# --- The staff pages -----------------------------------------------------------------------------


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


# --- The preview ---------------------------------------------------------------------------------


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


# --- The one page that takes a file --------------------------------------------------------------


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
