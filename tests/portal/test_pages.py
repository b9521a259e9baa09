"""The table of the console's pages: each is served, named in both languages, for a right that exists."""

import json
import re
from pathlib import Path

import pytest

from portal import pages
from portal.rights import RIGHTS, Access

WEB = Path(__file__).parents[2] / "portal" / "web"
TABLE = (WEB / "js" / "pages.js").read_text()
ROW = re.compile(
    r"^  \{ path: /(?P<path>.+)/, (?P<rest>.*), load: \(\) => import\(\"(?P<module>[^\"]+)\"\) \},$", re.MULTILINE
)
WORD = re.compile(r'(\w+): "([^"]*)"')
ADDRESSES = [route.canonical.format(number="1001", recording="r-1_A", file="x") for route in pages.ROUTES]
ADDRESSES = [address for address in ADDRESSES if not address.startswith("/static/") and address != "/"]


def rows() -> list[dict[str, str]]:
    found = [
        {"path": row["path"].replace(r"\/", "/"), "module": row["module"], **dict(WORD.findall(row["rest"]))}
        for row in ROW.finditer(TABLE)
    ]
    assert len(found) == TABLE.count("path: /") > 3
    return found


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_served_is_one_page(address):
    assert len([row for row in rows() if re.fullmatch(row["path"].strip("^$"), address, re.ASCII)]) == 1


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["element"])
def test_a_page_is_served_and_there(row):
    assert [address for address in ADDRESSES if re.fullmatch(row["path"].strip("^$"), address, re.ASCII)]
    module = (WEB / "js" / row["module"]).read_text()
    assert f'customElements.define("{row["element"]}"' in module
    # Some role holds the right, so that somebody sees the page.
    assert any(Access(row["right"]) in rights for rights in RIGHTS.values())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["element"])
def test_a_page_is_in_the_menu_or_belongs_to_one_that_is(row):
    menu = {each["href"]: each for each in rows() if "title" in each}
    if "title" not in row:
        assert menu[row["section"]]["right"] == row["right"]
        return
    assert re.fullmatch(row["path"].strip("^$"), row["href"])
    for language in ("en", "zh-CN"):
        assert row["title"] in json.loads((WEB / "i18n" / f"{language}.json").read_text())
    assert re.search(rf"^  {row['icon']}: ", (WEB / "js" / "icons.js").read_text(), re.MULTILINE)


def test_modules_of_pages_come_when_they_are_needed():
    script = (WEB / "js" / "app.js").read_text()
    assert "./pages/" not in script
    assert sorted(re.findall(r'^import "\./pages/([\w-]+)\.js"', TABLE, re.MULTILINE)) == ["not-found", "sign-in"]
