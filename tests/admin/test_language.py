"""The interface in Estonian: nothing is left untranslated, and what is compiled is what is
written. After a changed text: `manage.py makemessages -l et`, translate, `compilemessages`."""

import gettext
import re
from pathlib import Path

from tests.admin.conftest import Desk, page
from tests.conftest import Cast

ROOT = Path(__file__).parent.parent.parent
CATALOGUE = ROOT / "clients_app/locale/et/LC_MESSAGES/django.po"
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
MARKED = re.compile(r"""{% translate (["'])(.+?)\1""")


def written() -> dict[str, list[str]]:
    """The catalogue: each text with its translations."""
    found: dict[str, list[str]] = {}
    for block in CATALOGUE.read_text("utf-8").split("\n\n")[1:]:
        parts: list[tuple[str, str]] = []
        for line in block.splitlines():
            if line.startswith("msg"):
                parts.append((line.split(" ", 1)[0], ""))
            if parts and not line.startswith("#"):
                text = "".join(QUOTED.findall(line)).replace('\\"', '"').replace("\\\\", "\\")
                parts[-1] = (parts[-1][0], parts[-1][1] + text)
        texts = {key: text for key, text in parts if not key.startswith("msgstr")}
        found[texts["msgid"]] = [text for key, text in parts if key.startswith("msgstr")]
    return found


def test_every_text_is_translated_and_compiled() -> None:
    catalogue = written()
    assert len(catalogue) > 600
    assert [text for text, translations in catalogue.items() if not all(translations)] == []
    with CATALOGUE.with_suffix(".mo").open("rb") as compiled:
        estonian = gettext.GNUTranslations(compiled)
    for text, (translation, *_others) in catalogue.items():
        assert translation in (estonian.gettext(text), estonian.ngettext(text, "", 1)), text


def test_every_text_of_a_page_is_in_the_catalogue() -> None:
    catalogue = written()
    missing = {
        (template.name, text)
        for app in ("clients_app", "sessions_app")
        for template in (ROOT / app / "templates").rglob("*.html")
        for _quote, text in MARKED.findall(template.read_text("utf-8"))
        if text not in catalogue
    }
    assert missing == set()


def test_placeholders_survive_translation() -> None:
    names = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
    for text, translations in written().items():
        for translation in translations:
            assert sorted(names.findall(text)) == sorted(names.findall(translation)), text


def test_the_interface_speaks_estonian(cast: Cast, desk: Desk) -> None:
    liis = desk(cast.liis)
    answer = liis.post(page("set_language"), {"language": "et", "next": page("index")})
    assert answer["Location"] == page("index")
    shown = liis.get(page("index")).text
    assert '<html lang="et"' in shown
    assert "Teie tänased kohtumised" in shown
    assert "Your sessions" not in shown
    away = liis.post(page("set_language"), {"language": "et", "next": "https://evil.example/"})
    assert "evil" not in away["Location"]
