"""Whatever a program sends to an action, the answer is a deed or a problem, and never a crash."""

import json
from random import Random

import pytest
from drf_spectacular.generators import SchemaGenerator

from production.api import ROUTES
from production.models import Correction
from tests.web import plant

API = "/api/v1/"
TRIES = 14
ODD = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 10**40, 1.5, 1e308, -0.0),
    *("", " ", "\0", "a\0b", "\ud800", "x" * 70_000, "9" * 5_000, "NaN", "1e999", "\u202e"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"),
    *("9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "0001-01-01", "9999-12-31", "00:00"),
    *("2026-03-02T08:00:00Z", "2026-03-02T08:01:00", "24:00", "25:61", "12345", "777"),
    *([], [[]], {}, [None], [{}], {"": {}}, [1] * 300, {"a\0": 1}, [{"quantity": -1}]),
    *("L-OWN", "L-FOREIGN", "L-OWN.M1", "L-FOREIGN.M1", "P500", "JAM", "VIS-001", "counts"),
    *("PO-L-OWN", "PO-L-FOREIGN", "S-L-OWN", "S-L-FOREIGN", "boss", "good", "total", "reject"),
    *("downtime", "count", "span", "reason", "split", "merge", "ends", "undo", "internal"),
    *([{"defect": "VIS-001", "quantity": 1}], [{"name": "Tea", "starts": "1", "ends": "2"}]),
)
# Texts that no encoder of JSON makes; the framework reads them as bytes of a body.
NOT_JSON = (
    b"NaN",
    b'{"good": NaN}',
    b'{"good": -Infinity}',
    b"[1",
    b"\xff\xfe",
    b"null",
    b"17",
)
NOT_OBJECTS = (b"[]", b"[[]]", b'"x"', b"[" * 50_000, b"{" * 9)


def endpoints():
    """Return every method, path and schema of a body that changes something, as the schema tells them."""
    told = SchemaGenerator().get_schema(request=None, public=True)
    named = told["components"]["schemas"]
    prefixes = tuple(f"{API}{prefix}/" for prefix, _ in ROUTES)
    for path, methods in told["paths"].items():
        for method in sorted({"post", "put", "patch"} & methods.keys()):
            if not path.startswith(prefixes):
                continue
            content = methods[method].get("requestBody", {}).get("content", {})
            ref = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            yield method, path, named.get(ref.rpartition("/")[2], {}).get("properties", {})


def plausible(field, random, named):
    """Return a value that the schema would take, as far as it says."""
    for ref in [field.get("$ref"), *(each.get("$ref") for each in field.get("allOf", ()))]:
        if ref:
            field = named[ref.rpartition("/")[2]]
    if "enum" in field:
        return random.choice(field["enum"])
    return {"integer": 1, "boolean": True, "array": [], "number": 0.5}.get(
        field.get("type"), random.choice(["P500", "2026-03-02T08:00:00Z", "L-OWN", "L-OWN.M1"])
    )


def body(properties, random, named):
    sent = {name: plausible(field, random, named) for name, field in properties.items()}
    for name in random.sample(sorted(sent), min(len(sent), random.choice((0, 1, 1, 2, 9)))):
        sent[name] = random.choice(ODD)
    for name in random.sample(sorted(sent), min(len(sent), random.choice((0, 0, 1, 3)))):
        del sent[name]
    if random.random() < 0.1:
        sent[random.choice(("gut", "\0", "", "x" * 5_000, "__class__"))] = random.choice(ODD)
    return json.dumps(sent).encode()


@pytest.mark.django_db(transaction=True)
def test_no_body_of_any_action_makes_the_api_fail(own, foreign, as_user):
    random = Random(20261124)
    boss = plant.person("boss", "admin", own.line, is_superuser=True)
    clients = [as_user(boss), as_user(plant.person("ada", "operator", own.line))]
    named = SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]
    stood = own.equipment.downtimes.get()
    Correction.objects.filter(equipment=own.equipment).update(subject_id=stood.pk)
    paths, statuses, tried = own.paths(), {}, 0
    keys = {"defects": "VIS-001", "reasons": "JAM"}
    for method, path, properties in endpoints():
        prefix = path.removeprefix(API).split("/")[0]
        key = str({**paths, **keys}.get(prefix, ""))
        address = path.replace("{step}", "1").replace("{id}", key).replace("{code}", key)
        tried += 1
        for number in range(TRIES):
            sent = body(properties, random, named)
            if number < 3:
                sent = random.choice((*NOT_JSON, *NOT_OBJECTS))
            headers = (
                {"Idempotency-Key": f"k{random.random()}"} if random.random() < 0.3 else {}
            )
            answer = getattr(clients[number % 4 == 3], method)(
                address, sent, content_type="application/json", headers=headers
            )
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, (method, address, sent[:300])
            if answer.status_code >= 400:
                told = answer.json()
                assert isinstance(told["detail"], str), (method, address, sent[:300], told)
                assert isinstance(told["code"], str), told
                assert told["detail"], (method, address, sent[:300], told)
                assert told["code"], told
    assert tried > 30
    assert statuses.keys() >= {200, 201, 400, 403}, statuses


@pytest.mark.parametrize("sent", [*NOT_JSON, *NOT_OBJECTS])
def test_what_is_no_json_object_is_refused(own, as_user, sent):
    boss = as_user(plant.person("boss", "admin", own.line))
    answer = boss.post(f"{API}entries/", sent, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"]
