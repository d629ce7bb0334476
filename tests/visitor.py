"""A browser without scripts: follows links, fills in the forms a page really has, keeps cookies."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Tags without an end.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
BUTTON_TYPES = {"submit", "button", "reset", "image"}


@dataclass
class Form:
    """A form as it stands on the page: what would be sent if nothing were changed."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    # What kind of answer a field takes: text, tel, date, select, textarea ...
    kinds: dict[str, str] = field(default_factory=dict)

    def fill(self, **answers):
        """Set fields by name; a name or a choice the page does not offer is a broken page."""
        for name, answer in answers.items():
            assert name in self.names, f"no field {name}; there are {sorted(self.names)}"
            given = [str(item) for item in answer] if isinstance(answer, list) else [str(answer)]
            if name in self.choices:
                missing = set(given) - set(self.choices[name])
                assert not missing, f"{name} offers {self.choices[name]}, not {missing}"
            self.values[name] = given
        return self


class Page(HTMLParser):
    """What came back: its status, its text, its links and its forms."""

    def __init__(self, url, status, html):
        super().__init__(convert_charrefs=True)
        self.url, self.status, self.html = url, status, html
        self.links, self.forms, self.title, self.text = [], [], "", ""
        self._form, self._select, self._area, self._stack = None, None, None, []
        self._button = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self._stack.append(tag)
        if tag == "a" and "href" in given:
            self.links.append([given["href"], ""])
        elif tag == "form":
            self._form = Form(given.get("action") or self.url, given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and "disabled" not in given:
            self._field(tag, given)

    def _field(self, tag, given):
        form, name = self._form, given.get("name")
        if tag == "button" and given.get("type", "submit") == "submit":
            self._button = [name or "", given.get("value", ""), ""]
            form.buttons.append(self._button)
        elif tag == "input" and name:
            kind = given.get("type", "text")
            if kind in BUTTON_TYPES:
                form.buttons.append([name, given.get("value", ""), given.get("value", "")])
                return
            form.names.add(name)
            form.kinds[name] = given.get("inputmode", kind)
            if kind in {"radio", "checkbox"}:
                value = given.get("value", "on")
                form.choices.setdefault(name, []).append(value)
                if "checked" in given:
                    form.values.setdefault(name, []).append(value)
            else:
                form.values.setdefault(name, []).append(given.get("value", ""))
        elif tag == "select" and name:
            form.names.add(name)
            form.kinds[name] = tag
            form.choices[name] = []
            self._select = name
        elif tag == "option" and self._select:
            value = given.get("value", "")
            form.choices[self._select].append(value)
            if "selected" in given or len(form.choices[self._select]) == 1:
                form.values[self._select] = [value]
        elif tag == "textarea" and name:
            form.names.add(name)
            form.kinds[name] = tag
            self._area = name
            form.values[name] = [""]

    def handle_data(self, data):
        if "title" in self._stack[-1:]:
            self.title += data
        if self._area:
            self._form.values[self._area][0] += data
        elif not {"script", "style", "title"} & set(self._stack[-1:]):
            self.text += data
            if self.links and "a" in self._stack:
                self.links[-1][1] += data
            if self._button:
                self._button[2] += data

    def handle_endtag(self, tag):
        if tag in self._stack:
            while self._stack.pop() != tag:
                pass
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area:
            # Browsers drop the line break right after the tag.
            first = self._form.values[self._area]
            first[0] = first[0].removeprefix("\n")
            self._area = None

    @property
    def words(self):
        return " ".join(self.text.split())

    def link(self, label):
        """The address behind the first link with this text."""
        for href, text in self.links:
            if label in " ".join(text.split()):
                return href
        raise AssertionError(f"no link {label!r} among {[text for _href, text in self.links]}")

    def address(self, part):
        """Where the first link or button leads whose address holds this."""
        found = [href for href, _label in self.links] + [form.action for form in self.forms]
        for address in found:
            if part in address:
                return address
        raise AssertionError(f"nothing leads to {part!r}")

    def form(self, *, having="", action=""):
        """The first form with this field, or to this address."""
        for form in self.forms:
            if having in form.names | {""} and action in form.action and (having or action):
                return form
        raise AssertionError(f"no form with {having!r} to {action!r}")


class Visitor:
    """One person at one browser. ``secrets`` may appear in no address they visit."""

    def __init__(self, base, *, secrets=()):
        self.base, self.secrets, self.addresses = base, secrets, []
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path):
        return self._open(urllib.parse.urljoin(self.base, path))

    def follow(self, page, label):
        return self._open(urllib.parse.urljoin(page.url, page.link(label)))

    def submit(self, page, form, *, button=""):
        """Send the form with the button that carries this label or value (else the first)."""
        pairs = [(name, value) for name, values in form.values.items() for value in values]
        for name, value, label in form.buttons:
            if button in {value, " ".join(label.split())} or (button and button in label):
                if name:
                    pairs.append((name, value))
                break
        else:
            assert not button, f"no button {button!r} among {form.buttons}"
        url = urllib.parse.urljoin(page.url, form.action)
        data = urllib.parse.urlencode(pairs).encode()
        return self._open(url, data if form.method == "post" else None)

    def _open(self, url, data=None):
        request = urllib.request.Request(url, data)  # noqa: S310 - our own server on loopback
        if data is not None:
            request.add_header("Origin", self.base)
        try:
            response = self.opener.open(request, timeout=120)
        except urllib.error.HTTPError as error:
            response = error
        html = response.read().decode()
        page = Page(response.geturl(), response.status, html)
        for address in (url, page.url, page.title):
            assert not any(secret in address for secret in self.secrets), address
        self.addresses.append(page.url)
        return page

    def log_in(self, username, password):
        page = self.get("/admin/login/?next=/admin/")
        form = page.form(having="username").fill(username=username, password=password)
        desk = self.submit(page, form)
        assert desk.status == 200, desk.words
        assert "Log out" in desk.words, desk.words
        return desk
