"""Addresses that are not text, bodies that are no form: refused with a page, never a failure."""

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from django.urls import path

from helpline import urls
from helpline.requests import RefuseMalformed

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def echo(request, text=""):
    from django.contrib.auth.models import User
    from django.http import HttpResponse

    # A query with what was sent, as a view would make it: PostgreSQL refuses NUL.
    for value in [text, *request.GET.values(), *request.POST.values()]:
        User.objects.filter(username=value).exists()
    return HttpResponse("asked")


urlpatterns = [path("echo/", echo), path("echo/<path:text>", echo), *urls.urlpatterns]


@pytest.mark.parametrize(
    "query",
    ["q=%00", "%00=q", "q=a%00b", "q=%ff", "q=%c3", "q=%ed%a0%80", "q=%ED%BF%BF", "q=%f4%90%80%80"],
)
def test_a_query_that_is_not_text_is_refused(client, query):
    response = client.get(f"/echo/?{query}")
    assert response.status_code == 400
    assert "cannot be read" in response.content.decode()


@pytest.mark.parametrize("address", ["/echo/a%00b", "/echo/%ff", "/echo/%ed%a0%80", "/%00", "/%ff"])
def test_a_path_that_is_not_text_is_refused(client, address):
    assert client.get(address).status_code == 400


@pytest.mark.parametrize("text", ["ZIP 20001", "Zoë", "日本語", "🙂", "‮gnirts", "%", "a+b"])
def test_every_real_text_passes(client, text):
    assert client.get("/echo/", {"q": text}).status_code == 200
    from urllib.parse import quote

    assert client.get(f"/echo/{quote(text)}").status_code == 200


@pytest.mark.parametrize(
    "charset", ["utf-7", "utf-16", "unicode_escape", "hex", "idna", "no-such-charset", "latin-1"]
)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_in_another_encoding_is_refused(client, kind, charset):
    body = b"q=+2AA-"
    content_type = f"{kind}; boundary=x; charset={charset}"
    if kind.startswith("multipart"):
        body = b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n\\ud800\r\n--x--\r\n'
    response = client.generic("POST", "/echo/", body, content_type=content_type)
    # A charset nobody knows is left out by Django itself, and UTF-8 taken instead.
    assert response.status_code == 400


@pytest.mark.parametrize(
    "body", [b"q=%ff%fe", b"q=\xff\xfe", b"q=%ed%a0%80", b"q", b"&&==", b"\xff" * 100]
)
def test_broken_bytes_in_a_form_never_fail(client, body):
    response = client.generic(
        "POST", "/echo/", body, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n\xff\xfe\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhello\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="\xff"\r\n\r\nh\r\n--x--\r\n',
        b'--x\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name="q"'
        b"\r\n\r\n!!!\r\n--x--\r\n",
    ],
)
def test_a_broken_multipart_form_or_a_file_never_fails(client, body):
    response = client.generic(
        "POST", "/echo/", body, content_type="multipart/form-data; boundary=x"
    )
    assert response.status_code in {200, 400}
    assert response.wsgi_request.FILES == {}


def test_a_body_too_long_is_refused_with_a_page(client):
    response = client.post("/echo/", {"q": "x" * 10_000_000})
    assert response.status_code == 413
    assert "too long" in response.content.decode()


def test_a_long_body_is_read_to_its_end_so_that_the_browser_listens():
    class Body:
        left = 3_000_000

        def read(self, size=-1):
            taken = min(size, self.left)
            self.left -= taken
            return b"x" * taken

    body = Body()
    request = RequestFactory().post("/echo/")
    request.META["CONTENT_LENGTH"] = str(body.left)
    request.META["wsgi.input"] = body
    request._stream = body
    assert RefuseMalformed(lambda request: None)(request).status_code == 413
    assert body.left == 0


def test_too_many_fields_are_refused(client):
    body = "&".join(f"f{number}=1" for number in range(3000))
    response = client.generic(
        "POST", "/echo/", body, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 400


def test_an_unknown_host_is_refused_with_a_page(settings):
    settings.ALLOWED_HOSTS = ["help.example.org"]
    response = Client().get("/admin/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "evil" not in response.content.decode()


def test_a_content_length_that_is_no_number_is_taken_for_none():
    request = RequestFactory().get("/echo/")
    request.META["CONTENT_LENGTH"] = "many"
    answered = RefuseMalformed(lambda request: "answered")
    assert answered(request) == "answered"


def test_django_reads_a_request_without_a_path():
    environ = RequestFactory().get("/").environ | {"PATH_INFO": ""}
    statuses = []
    WSGIHandler()(environ, lambda status, headers: statuses.append(status))
    assert not statuses[0].startswith("500")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"x", "multipart/form-data; boundary=" + "x" * 300),
        (b"x", "multipart/form-data"),
        (b"&".join(b"a=b" for _ in range(5000)), "application/x-www-form-urlencoded"),
    ],
    ids=["impossible boundary", "no boundary", "too many fields"],
)
def test_a_broken_body_sent_to_no_page_is_not_found(client, body, content_type):
    response = client.generic("POST", "/no/such/page", body, content_type=content_type)
    assert response.status_code == 404
