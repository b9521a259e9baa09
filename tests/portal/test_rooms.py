"""Rooms over the API: make, change, delete, passcodes once, blocks."""

import asyncio

import pytest

from mcu.participant import Role
from portal.passcodes import PasscodeWish
from signaling.admission import CallRequest, Refusal, Refused


async def test_new_room_shows_its_passcodes_once(admin, site):
    answer = await admin.call("POST", "/rooms", {"number": "1001", "name": " Cardiology "})
    made = await answer.json()
    assert answer.status == 201
    assert made["room"]["name"] == "Cardiology"
    guest, host = made["passcodes"]["guest"], made["passcodes"]["host"]
    assert guest != host and all(code.isdigit() and 6 <= len(code) <= 10 for code in (guest, host))
    for path in ("/rooms", "/rooms/1001"):
        text = await (await admin.call("GET", path)).text()
        assert guest not in text and host not in text and "argon2" not in text
    assert "argon2" not in str(made) and guest not in repr(site.rooms.rows)


async def test_passcodes_open_the_gate(admin, site):
    codes = (await (await admin.call("POST", "/rooms", {"number": "1001", "name": "A"})).json())["passcodes"]
    for passcode, role in ((codes["guest"], Role.GUEST), (codes["host"], Role.HOST)):
        admission = await site.gate.admit(CallRequest("127.0.0.1", "sip", "1001", passcode, call=passcode))
        assert admission.role is role
    with pytest.raises(Refused):
        await site.gate.admit(CallRequest("127.0.0.1", "sip", "1001", "111111", call="x"))


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"number": "1", "name": "A"}, "number", "pattern"),
        ({"number": "12345678901234", "name": "A"}, "number", "pattern"),
        ({"number": "10a1", "name": "A"}, "number", "pattern"),
        ({"number": "１００１", "name": "A"}, "number", "pattern"),
        ({"number": 1001, "name": "A"}, "number", "wrong-type"),
        ({"name": "A"}, "number", "required"),
        ({"number": "1001"}, "name", "required"),
        ({"number": "1001", "name": ""}, "name", "length"),
        ({"number": "1001", "name": "   "}, "name", "pattern"),
        ({"number": "1001", "name": "a\u0000b"}, "name", "pattern"),
        ({"number": "1001", "name": "x" * 81}, "name", "length"),
        ({"number": "1001", "name": "A", "max_participants": 0}, "max_participants", "out-of-range"),
        ({"number": "1001", "name": "A", "max_participants": 501}, "max_participants", "out-of-range"),
        ({"number": "1001", "name": "A", "record": "sometimes"}, "record", "wrong-type"),
        ({"number": "1001", "name": "A", "encryption": "perhaps"}, "encryption", "wrong-type"),
        ({"number": "1001", "name": "A", "encryption": "required", "required_grade": "clear"},
         "required_grade", "wrong"),
        ({"number": "1001", "name": "A", "encryption": "off", "required_grade": "authenticated"},
         "required_grade", "wrong"),
        ({"number": "1001", "name": "A", "is_locked": 1}, "is_locked", "wrong-type"),
        ({"number": "1001", "name": "A", "guest_hash": "x"}, "guest_hash", "unknown"),
        ({"number": "1001", "name": "A", "guest_kind": "given"}, "guest_passcode", "digits"),
        ({"number": "1001", "name": "A", "guest_kind": "given", "guest_passcode": "1a2"}, "guest_passcode", "digits"),
        ({"number": "1001", "name": "A", "guest_kind": "given", "guest_passcode": "1234"}, "guest_passcode", "weak"),
        ({"number": "1001", "name": "A", "host_kind": "given", "host_passcode": "111111"}, "host_passcode", "weak"),
        (
            {
                "number": "1001", "name": "A", "guest_kind": "given", "guest_passcode": "735192",
                "host_kind": "given", "host_passcode": "735192",
            },
            "host_passcode",
            "same-as-other",
        ),
    ],
)  # fmt: skip
async def test_refused_rooms(admin, site, body, field, code):
    answer = await admin.call("POST", "/rooms", body)
    assert answer.status == 422
    assert (await answer.json())["errors"] == [{"field": field, "code": code}]
    assert not site.rooms.rows


async def test_number_is_unique(admin, site):
    await site.add_room()
    answer = await admin.call("POST", "/rooms", {"number": "1001", "name": "A"})
    body = await answer.json()
    assert (answer.status, body["code"], body["errors"]) == (409, "room-exists", [{"field": "number", "code": "taken"}])


async def test_weak_passcode_on_insistence_is_flagged(admin):
    body = {"number": "1001", "name": "A", "guest_kind": "given", "guest_passcode": "1234", "allow_weak": True}
    made = await (await admin.call("POST", "/rooms", body)).json()
    assert made["room"]["has_weak_passcode"] is True
    assert made["passcodes"]["guest"] == "1234"


async def test_room_without_passcodes(admin):
    body = {"number": "1001", "name": "A", "guest_kind": "none", "host_kind": "none"}
    made = await (await admin.call("POST", "/rooms", body)).json()
    assert made["passcodes"] == {"guest": None, "host": None}
    assert made["room"]["has_guest_passcode"] is False and made["room"]["has_host_passcode"] is False


async def test_change_keeps_what_is_absent(admin, site):
    await site.add_room(guest_hash="$argon2id$x", record="always")
    answer = await admin.call("PATCH", "/rooms/1001", {"name": "Neurology", "required_grade": "authenticated"})
    room = await answer.json()
    assert (room["name"], room["record"], room["required_grade"]) == ("Neurology", "always", "authenticated")
    assert site.rooms.rows["1001"].required_grade == 2
    assert room["encryption"] == site.rooms.rows["1001"].encryption == "required"
    assert site.rooms.rows["1001"].guest_hash == "$argon2id$x"


@pytest.mark.parametrize(
    ("change", "encryption", "grade"),
    [
        ({}, "automatic", "clear"),
        ({"encryption": "off"}, "off", "clear"),
        ({"encryption": "required"}, "required", "opportunistic"),
        ({"encryption": "required", "required_grade": "authenticated"}, "required", "authenticated"),
        ({"required_grade": "authenticated"}, "required", "authenticated"),
        ({"required_grade": "clear"}, "automatic", "clear"),
    ],
)
async def test_encryption_is_made_and_changed_alike(admin, change, encryption, grade):
    made = await (await admin.call("POST", "/rooms", {"number": "1001", "name": "A"} | change)).json()
    assert (made["room"]["encryption"], made["room"]["required_grade"]) == (encryption, grade)
    await admin.call("POST", "/rooms", {"number": "1002", "name": "B"})
    changed = await (await admin.call("PATCH", "/rooms/1002", change)).json()
    assert (changed["encryption"], changed["required_grade"]) == (encryption, grade)
    shown = await (await admin.call("GET", "/rooms/1002")).json()
    assert (shown["encryption"], shown["required_grade"]) == (encryption, grade)


async def test_a_room_that_no_longer_requires_encryption_has_no_grade_left(admin, site):
    await site.add_room(encryption="required", required_grade=2)
    room = await (await admin.call("PATCH", "/rooms/1001", {"encryption": "automatic"})).json()
    assert (room["encryption"], room["required_grade"]) == ("automatic", "clear")
    refused = await admin.call("PATCH", "/rooms/1001", {"encryption": "off", "required_grade": "opportunistic"})
    assert refused.status == 422
    assert site.rooms.rows["1001"].encryption == "automatic"


async def test_change_reaches_the_running_conference(admin, site):
    await site.add_room()
    await site.join("1001", 1)
    await admin.call("PATCH", "/rooms/1001", {"layout": "lecture", "is_locked": True})
    conference = site.conferences.get("1001")
    assert (conference.layout, conference.is_locked) == ("lecture", True)


async def test_delete(admin, site):
    await site.add_room()
    assert (await admin.call("DELETE", "/rooms/1001")).status == 204
    assert (await admin.call("DELETE", "/rooms/1001")).status == 404
    assert (await admin.call("GET", "/rooms/1001")).status == 404


async def test_running_room_is_not_deleted(admin, site):
    await site.add_room()
    await site.join("1001", 1)
    answer = await admin.call("DELETE", "/rooms/1001")
    assert (answer.status, (await answer.json())["code"]) == (409, "room-running")
    assert "1001" in site.rooms.rows


async def test_new_passcodes_replace_the_old_ones(admin, site):
    old = (await (await admin.call("POST", "/rooms", {"number": "1001", "name": "A"})).json())["passcodes"]
    generation = site.rooms.rows["1001"].generation
    answer = await admin.call("POST", "/rooms/1001/passcodes", {"host_kind": "keep"})
    new = (await answer.json())["passcodes"]
    assert new["host"] is None and new["guest"] != old["guest"]
    assert site.rooms.rows["1001"].generation > generation
    with pytest.raises(Refused):
        await site.gate.admit(CallRequest("127.0.0.1", "sip", "1001", old["guest"], call="a"))
    assert (await site.gate.admit(CallRequest("127.0.0.1", "sip", "1001", old["host"], call="b"))).role is Role.HOST
    assert (await site.gate.admit(CallRequest("127.0.0.1", "sip", "1001", new["guest"], call="c"))).role is Role.GUEST


@pytest.mark.parametrize("whose", ["guest", "host"])
async def test_new_passcode_differs_from_the_kept_one(admin, whose):
    body = {"number": "1001", "name": "A", "guest_kind": "given", "guest_passcode": "735192"}
    body |= {"host_kind": "given", "host_passcode": "918273645"}
    await admin.call("POST", "/rooms", body)
    other = "host" if whose == "guest" else "guest"
    wish = {f"{other}_kind": "keep", f"{whose}_kind": "given", f"{whose}_passcode": body[f"{other}_passcode"]}
    answer = await admin.call("POST", "/rooms/1001/passcodes", wish)
    assert (await answer.json())["errors"] == [{"field": f"{whose}_passcode", "code": "same-as-other"}]


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "/rooms/1001/passcodes", {}, Refusal.PASSCODE_REQUIRED),
        ("DELETE", "/rooms/1001", None, Refusal.UNKNOWN_ROOM),
    ],
)
async def test_those_who_wait_outside_are_asked_again_at_once(admin, site, method, path, body, reason):
    made = await (await admin.call("POST", "/rooms", {"number": "1001", "name": "A", "waits_for_host": True})).json()
    request = CallRequest("127.0.0.1", "sip", "1001", made["passcodes"]["guest"], call="a")
    waiting = asyncio.create_task(site.gate.wait_for_host(await site.gate.admit(request)))
    await asyncio.sleep(0)
    assert (await admin.call(method, path, body)).status < 300
    with pytest.raises(Refused) as refused:
        async with asyncio.timeout(2):
            await waiting
    assert refused.value.reason is reason


async def test_blocked_room_is_shown_and_unblocked(admin, site):
    await site.add_room(guest_hash=await site.hasher.hash("735192"))
    for index in range(21):
        with pytest.raises(Refused):
            await site.gate.admit(CallRequest(f"192.0.2.{index}", "sip", "1001", "000000", call=str(index)))
    assert (await (await admin.call("GET", "/rooms/1001")).json())["is_blocked"] is True
    assert (await admin.call("POST", "/rooms/1001/unblock")).status == 204
    assert (await (await admin.call("GET", "/rooms/1001")).json())["is_blocked"] is False
    assert (await site.gate.admit(CallRequest("192.0.2.99", "sip", "1001", "735192", call="z"))).role is Role.GUEST


@pytest.mark.parametrize("path", ["/rooms/abc", "/rooms/1234567890123", "/rooms/%2e%2e", "/rooms/9999"])
async def test_unknown_addresses(admin, path):
    assert (await admin.call("GET", path)).status == 404


def test_wish_does_not_show_its_passcodes():
    assert "735192" not in repr(PasscodeWish(guest_passcode="735192"))


async def test_full_hd_is_asked_for_and_given_up(admin, site):
    made = await (await admin.call("POST", "/rooms", {"number": "1001", "name": "A", "has_full_hd": True})).json()
    assert made["room"]["has_full_hd"] if "room" in made else made["has_full_hd"]
    assert (await admin.call("PATCH", "/rooms/1001", {"has_full_hd": False})).status == 200
    assert (await (await admin.call("GET", "/rooms/1001")).json())["has_full_hd"] is False
    assert (await site.rooms.get("1001")).has_full_hd is False
