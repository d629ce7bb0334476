"""Every response carries the same headers: pages, redirects, refusals, failures, static files."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from helpline import urls
from helpline.headers import PERMISSIONS_POLICY

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


def assert_headers(response):
    for name, value in ALWAYS.items():
        assert response[name] == value, name
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert "Server" not in response


@pytest.mark.parametrize(("address", "status"), RESPONSES.items())
def test_every_response_carries_them_and_none_is_kept(address, status):
    response = Client(raise_request_exception=False).get(address)
    assert response.status_code == status
    assert_headers(response)
    assert response["Cache-Control"] == "no-store"


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
