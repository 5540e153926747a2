"""From the memory of a simulated controller, over its protocol, to a browser and to a program."""

import json
import re

import pytest
from websockets.sync.client import connect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def admin(demo, chromium):
    """The demo's admin at a browser; no script error may have happened in the end."""
    password = re.search(r"password  ([\w-]{12})\n", "".join(demo.lines)).group(1)
    context = chromium.new_context(viewport={"width": 1600, "height": 900})
    visitor = Visitor(context, f"http://127.0.0.1:{demo.port}")
    visitor.sign_in("admin", password)
    yield visitor
    assert visitor.errors == []
    context.close()


@pytest.mark.parametrize(
    ("plc", "memory", "line", "equipment", "state"),
    [
        ("checkweigher", "State 2", "L-PACK2", "BP01.PACK.CW1", "faulted"),
        ("loader", "BL_Running 0", "L-BAG1", "BP01.PACK.BAG1.BL", "stopped"),
    ],
    ids=["Modbus TCP", "EtherNet/IP"],
)
def test_a_state_changed_in_a_controllers_memory_appears_on_the_page(
    demo, admin, plc, memory, line, equipment, state
):
    admin.open(f"/lines/{line}/")
    machine = admin.page.locator(f'.machine[data-key="{equipment}"]')
    machine.wait_for()
    try:
        assert demo.tell_plant(f"set {plc} {memory}") == "ok"
        admin.page.wait_for_selector(
            f'.machine[data-key="{equipment}"][data-state="{state}"]', timeout=15_000
        )
    finally:
        demo.tell_plant(f"free {plc}")


def test_a_program_with_a_token_receives_the_figures_of_its_line(demo, admin):
    key = admin.page.evaluate(
        """async () => {
            const csrf = document.cookie.match(/csrftoken=([^;]+)/)[1];
            const answer = await fetch("/api/v1/tokens/", {
                method: "POST",
                headers: {"Content-Type": "application/json", "X-CSRFToken": csrf},
                body: JSON.stringify({name: "journey"}),
            });
            return (await answer.json()).key;
        }"""
    )
    updates = []
    with connect(
        f"ws://127.0.0.1:{demo.port}/ws/production",
        additional_headers={"Authorization": f"Token {key}"},
    ) as socket:
        target = {"subscription_type": "line", "target_id": "L-BAG1"}
        socket.send(json.dumps({"type": "subscribe", **target}))
        while len(updates) < 3:
            message = json.loads(socket.recv(timeout=15))
            if message["type"] == "production_update":
                updates.append(message)
    assert {update["line_id"] for update in updates} == {"L-BAG1"}
    assert [machine["equipment_code"] for machine in updates[0]["data"]["equipment"]] == [
        "BP01.PACK.BAG1",
        "BP01.PACK.BAG1.BL",
    ]
    versions = [update["ver"] for update in updates]
    assert versions == sorted(set(versions))
