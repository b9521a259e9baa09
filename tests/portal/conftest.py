"""A portal behind a test client, and a browser that is signed in."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from portal.app import create_app
from tests.databases import migrated as migrated
from tests.databases import new_databases_have_tables as new_databases_have_tables
from tests.portal.fakes import PASSWORD, Site


class Browser:
    """A client that sends the CSRF token of its session."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.csrf = ""

    async def sign_in(self, name: str = "admin", password: str = PASSWORD) -> ClientResponse:
        answer = await self.call("POST", "/session", {"name": name, "password": password})
        if answer.status == 201:
            self.csrf = (await answer.json())["csrf_token"]
        return answer

    async def call(self, method: str, path: str, body: object = None, **options: object) -> ClientResponse:
        headers = {"X-CSRF-Token": self.csrf, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **options)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(create_app(site.services))) as client:
        yield client
    site.hasher.close()


@pytest.fixture
def stranger(client: TestClient) -> Browser:
    return Browser(client)


@pytest.fixture
async def admin(client: TestClient, site: Site) -> Browser:
    await site.add_user()
    browser = Browser(client)
    await browser.sign_in()
    return browser
