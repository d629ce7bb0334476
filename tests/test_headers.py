"""Every response carries the same headers: pages, redirects, refusals, failures, static files."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from helpline import urls
from helpline.headers import PERMISSIONS_POLICY
from tests.routes import routes

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}
HSTS = "max-age=31536000; includeSubDomains"


def fail(request):
    raise ValueError("on purpose")


def cached(request):
    return HttpResponse("ok", headers={"Cache-Control": "public, max-age=600"})


urlpatterns = [path("fails", fail), path("cached", cached), *urls.urlpatterns]
handler404 = urls.handler404

RESPONSES = {
    "/health/live": 200,
    "/cached": 200,
    "/admin/": 302,
    "/admin/login/": 200,
    "/no/such/page": 404,
    "/static/no-such-file.css": 404,
    "/health/live?a=%00": 400,
    "/fails": 500,
}

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.urls(__name__)]


def assert_headers(response, **but):
    for name, value in {**ALWAYS, **but}.items():
        assert response[name] == value, name
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert "Server" not in response


@pytest.mark.parametrize(("address", "status"), RESPONSES.items())
def test_every_response_carries_them_and_none_is_kept(address, status):
    response = Client(raise_request_exception=False).get(address)
    assert response.status_code == status
    assert_headers(response)
    assert response["Cache-Control"] == "no-store"


# --- Every address there is ----------------------------------------------------------------------

# Whoever leaves is followed by nothing, not even by the name of this site.
LEAVES = {"Referrer-Policy": "no-referrer"}
# The argument of an address with one: there is nothing behind it.
NOTHING = "01900000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def every_route():
    return [route for route in routes() if route.text not in {"fails", "cached"}]


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "options"])
def test_every_address_of_the_resolver_carries_them_in_both_languages(method, every_route):
    """Answered, redirected, refused or missing; for whoever is not signed in."""
    client = Client(raise_request_exception=False)
    texts = {route.text for route in every_route}
    assert {"callback/", "es/callback/", "manage/<str:token>/", "leave/", "admin/login/"} <= texts
    for route in every_route:
        response = getattr(client, method)(route.address(NOTHING))
        assert response.status_code < 500 or route.text == "health/ready", route.text
        is_way_out = route.text == "leave/" and response.status_code == 303
        assert_headers(response, **(LEAVES if is_way_out else {}))
        assert response["Cache-Control"] == "no-store", route.text
        assert "Last-Modified" not in response, route.text
        assert "ETag" not in response, route.text


def test_no_page_for_callers_sets_any_cookie_but_the_one_against_forged_forms(
    every_route, settings
):
    """And that one lives no longer than the window, and is read by no script."""
    for route in every_route:
        if route.text.startswith("admin/"):
            continue
        for method in ("get", "post"):
            client = Client(raise_request_exception=False)
            getattr(client, method)(route.address(NOTHING))
            assert set(client.cookies) <= {settings.CSRF_COOKIE_NAME}, route.text
            for cookie in client.cookies.values():
                assert cookie["httponly"]
                assert cookie["samesite"] == "Lax"
                assert cookie["path"] == "/"
                assert not cookie["max-age"]
                assert not cookie["expires"]
                assert not cookie["domain"]


@pytest.mark.parametrize("accepted", ["es-MX,es;q=0.9", "en-US", ""])
def test_the_browsers_language_changes_no_byte_of_the_headers(accepted):
    for address, language in (("/", "en"), ("/es/", "es"), ("/admin/login/", "en")):
        plain = Client().get(address)
        asked = Client().get(address, headers={"Accept-Language": accepted})
        assert asked["Content-Language"] == plain["Content-Language"] == language
        assert asked.headers.keys() == plain.headers.keys()


def test_the_way_out_takes_every_cookie_away_and_names_nobody(settings):
    settings.EXIT_URL = "https://www.weather.gov/"
    client = Client()
    client.get("/callback/")
    client.cookies[settings.SESSION_COOKIE_NAME] = "abc"
    response = client.get("/leave/")
    assert (response.status_code, response["Location"]) == (303, settings.EXIT_URL)
    assert_headers(response, **LEAVES)
    assert {name for name, one in response.cookies.items() if one["max-age"] == 0} == {
        settings.CSRF_COOKIE_NAME,
        settings.SESSION_COOKIE_NAME,
    }
    assert all(not cookie.value for cookie in response.cookies.values())


# --- Refusals, files, HTTPS ----------------------------------------------------------------------


def test_a_post_without_a_token_and_a_body_too_long_carry_them():
    client = Client(enforce_csrf_checks=True)
    for response, status in (
        (client.post("/admin/login/", {"username": "x"}), 403),
        (client.post("/admin/login/", {"username": "x" * 2_000_000}), 413),
        (Client().put("/health/live"), 405),
    ):
        assert response.status_code == status
        assert_headers(response)
        assert response["Cache-Control"] == "no-store"


def test_a_static_file_carries_them_and_may_be_kept(settings, tmp_path):
    """The real storage: hashed names, kept for ever."""
    from django.core.management import call_command

    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client()
    page = client.get("/admin/login/").content.decode()
    address = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    assert re.search(r"\.[0-9a-f]{12}\.css$", address)
    response = client.get(address)
    b"".join(response.streaming_content)
    response.close()
    assert response.status_code == 200
    assert_headers(response)
    assert response["Cache-Control"] == "max-age=315360000, public, immutable"


@pytest.mark.parametrize("address", ["/health/live", "/no/such/page"])
def test_over_https_the_browser_is_told_to_stay_there(settings, address):
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    response = Client().get(address, secure=True)
    assert response["Strict-Transport-Security"] == HSTS
    assert_headers(response)


def test_plain_http_is_sent_to_https_in_production_with_all_headers(settings):
    settings.SECURE_SSL_REDIRECT = True
    response = Client().get("/admin/")
    assert (response.status_code, response["Location"]) == (301, "https://testserver/admin/")
    assert_headers(response)
    # The health check inside a container is not.
    assert Client().get("/health/live").status_code == 200


def test_a_null_origin_is_refused(settings):
    """Why the referrer policy is not `no-referrer`: with it browsers send `Origin: null` along
    with our own forms."""
    client = Client(enforce_csrf_checks=True)
    client.get("/admin/login/")
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    form = {"csrfmiddlewaretoken": token, "username": "x", "password": "y"}
    assert client.post("/admin/login/", form, headers={"Origin": "null"}).status_code == 403
    own = client.post("/admin/login/", form, headers={"Origin": "http://testserver"})
    assert own.status_code == 200
