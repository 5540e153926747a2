"""How many queries each list costs: a reviewed file, the same for two rows as for six.

UPDATE_QUERY_COUNTS=1 writes the file anew; the difference is then for the reviewer.
"""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ms5.api_urls import router
from tests.web import plant

FILE = Path(__file__).parent.parent / "query_counts.json"
LISTS = sorted({prefix for prefix, _, _ in router.registry})

# Lists of which each machine of the line adds a row; the others have one of the line or of the plant.
OF_A_MACHINE = {
    "conditions",
    "context-changes",
    "contexts",
    "corrections",
    "counters",
    "counts",
    "downtimes",
    "entries",
    "equipment",
    "faults",
    "ideal-cycles",
    "message-bits",
    "plcs",
    "spans",
    "tags",
    "tallies",
    "time-tallies",
}


def counted(client, path, query):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return len(queries), answer


@pytest.mark.parametrize("who", ["all lines", "one line"])
def test_a_list_costs_the_same_for_six_rows_as_for_two(own, as_user, who):
    admin = plant.person("admin", "admin", own.line, all_lines=who == "all lines")
    browser = as_user(admin)
    plant.equip(own.line, 2)

    def costs():
        return {
            prefix: counted(browser, f"/api/v1/{prefix}/", asked.get(prefix, {}))
            for prefix in LISTS
        }

    window = {"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T09:00:00Z"}
    asked = {
        "samples": {"tag": own.tag.pk},
        "trends": {"tag": own.tag.pk},
        "calendar": window | {"line": own.line.code},
        "oee": window | {"line": own.line.code, "by": "hour"},
        "oee/explain": window | {"equipment": own.equipment.code},
        "andon/analytics": window | {"line": own.line.code},
        # At a given time: PostgreSQL is asked for its own, SQLite is not.
        "andon/who-would-be-told": {
            "line": own.line.code,
            "category": "stop",
            "at": "2026-03-02T08:00:00Z",
        },
    }

    few = costs()
    for number in range(3, 7):
        plant.equip(own.line, number)
    many = costs()
    for prefix in OF_A_MACHINE:
        assert (few[prefix][1].json()["count"], many[prefix][1].json()["count"]) == (2, 6), (
            prefix
        )
    found = {prefix: count for prefix, (count, _) in many.items()}
    assert found == {prefix: count for prefix, (count, _) in few.items()}

    written = json.loads(FILE.read_text()) if FILE.exists() else {}
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        written[f"api, {who}"] = found
        FILE.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    assert written[f"api, {who}"] == found
