"""Someone at the doors: a browser and a phone over real HTTP, and what they were answered."""

import http.client
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    """What came back, and to whom."""

    who: str
    asked: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def head(self) -> bytes:
        """Everything but the body."""
        lines = (f"{name}: {value}" for name, value in self.headers)
        return "\n".join(lines).encode("latin-1")

    def values(self, name: str) -> bytes:
        """The values of a header."""
        wanted = (value for key, value in self.headers if key.lower() == name)
        return "\n".join(wanted).encode("latin-1")


@dataclass
class Visitor:
    """Somebody with a browser session and a token, and everything they were answered.

    The server is told that a proxy has ended TLS, so it behaves as in production.
    """

    name: str
    port: int
    session: str = ""
    bearer: str = ""
    answers: list[Answer] = field(default_factory=list)
    pages: dict[str, Answer] = field(default_factory=dict)
    _csrf: str = "c" * 32

    def __post_init__(self) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def close(self) -> None:
        self._line.close()

    def get(self, path: str) -> Answer:
        """Open a page of the admin."""
        self.pages[path] = self._ask("GET", path, b"", {"Cookie": self._cookies()})
        return self.pages[path]

    def page(self, path: str) -> Answer:
        """A page that was opened, or now is."""
        return self.pages.get(path) or self.get(path)

    def post(self, path: str, typed: dict[str, str], *, forged: bool = False) -> Answer:
        """Send a form of the admin; forged, it lacks the token."""
        fields = typed if forged else {**typed, "csrfmiddlewaretoken": self._csrf}
        headers = {
            "Cookie": self._cookies(),
            "Content-Type": FORM,
            "Referer": f"https://127.0.0.1:{self.port}/",
        }
        return self._ask("POST", path, urlencode(fields).encode(), headers)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask the API: the body is an object, or bytes as they are."""
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        headers = {"Content-Type": JSON, "If-Match": '"v1"'}
        if self.bearer:
            headers["Authorization"] = self.bearer
        return self._ask(method, f"/api/v1/{path}", raw, headers)

    def _cookies(self) -> str:
        return f"csrftoken={self._csrf}" + (f"; sessionid={self.session}" if self.session else "")

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        host = {"Host": f"127.0.0.1:{self.port}", "X-Forwarded-Proto": "https"}
        try:
            self._line.request(method, path, body, host | headers)
            response = self._line.getresponse()
        except (BrokenPipeError, http.client.RemoteDisconnected):
            # The server hung up while others were talking to it.
            self._line.close()
            self._line.request(method, path, body, host | headers)
            response = self._line.getresponse()
        answer = Answer(
            self.name,
            f"{method} {path}",
            response.status,
            response.getheaders(),
            response.read(),
        )
        self.answers.append(answer)
        return answer


@dataclass
class Form:
    """A form of a page: how and where it goes, what it holds already, where text is typed."""

    method: str
    action: str
    values: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").upper(), given.get("action", "")))
        elif self.forms:
            self._take(tag, given, self.forms[-1])

    def _take(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        match tag:
            case "textarea":
                form.texts.append(name)
            case "input" if kind in ("text", "search", "tel", "email", "password"):
                form.texts.append(name)
            case "input" if "checked" in given or kind not in ("radio", "checkbox", "submit"):
                form.values[name] = given.get("value", "")
            case "select":
                self._select = name
            case "option" if self._select and given.get("value"):
                form.values.setdefault(self._select, given["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


def forms(page: Answer) -> list[Form]:
    """The forms of a page, filled in as a browser would send them."""
    reader = _Forms()
    reader.feed(page.body.decode())
    for form in reader.forms:
        form.action = form.action or page.asked.partition(" ")[2]
    return reader.forms
