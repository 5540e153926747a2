"""With Redis and Celery all dead a call still climbs, and health says what is wrong."""

import json
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta

import pytest

from andon import clock
from andon.actions.calls import raise_call
from andon.choices import StepState
from andon.models import Delivery, EscalationStep, Policy, PolicyLevel, PolicyRecipient
from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from ms5.demo import commands
from ms5.demo.ports import free_port
from tests import factories, other_process
from tests.andon_channels.servers import LOOPBACK, smtp_server
from tests.run.test_supervisor import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

WITHIN_S = 40


@pytest.fixture
def mailbox():
    with smtp_server() as one:
        yield one


@pytest.fixture
def web(mailbox):
    """One web process; the Redis of its settings is not there, and no worker or beat was started."""
    port = free_port()
    mail = {"EMAIL_HOST": LOOPBACK, "EMAIL_PORT": str(mailbox.port)}
    process = subprocess.Popen(
        [sys.executable, *commands.web(LOOPBACK, port)],
        env=other_process.environment() | mail,
        cwd=other_process.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait(30)


def asked(url, key):
    request = urllib.request.Request(url, headers={"Authorization": f"Token {key}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            return answer.read().decode()
    except OSError:
        return ""


def policy(user):
    """Return a policy whose first level is told by screen and mail, and whose second is a minute off."""
    row = Policy.objects.create(
        name="critical", priority="critical", acknowledge_within_s=60, resolve_within_s=600
    )
    for number, after_s in ((1, 0), (2, 60)):
        level = PolicyLevel.objects.create(
            policy=row, number=number, after_s=after_s, channels=["live", "email"]
        )
        PolicyRecipient.objects.create(level=level, kind="person", person=user)
    return row


def test_a_critical_call_climbs_within_forty_seconds_and_health_says_what_is_wrong(
    web, mailbox
):
    boss = factories.user(Role.PRODUCTION_MANAGER, email="boss@plant.example")
    _, key = issue(factories.user(Role.ENGINEER), "a watcher")
    policy(boss)
    wait_until(lambda: asked(f"{web}/ws/health", key), within_s=60)
    # It has waited for most of its half minute already, so that the test need not.
    raise_call(
        factories.line(),
        category="safety",
        priority="critical",
        description="Fire in the hall",
        at=clock.now() - timedelta(seconds=26),
    )
    first = EscalationStep.objects.get(level=1)
    assert first.state == StepState.PENDING
    wait_until(lambda: mailbox.mails, within_s=60)
    first.refresh_from_db()
    assert first.state == StepState.FIRED
    assert timedelta(seconds=30) <= first.fired_at - first.due_at <= timedelta(seconds=WITHIN_S)
    assert [mail["X-Envelope-To"] for mail in mailbox.mails] == ["boss@plant.example"]
    assert "Fire in the hall" in mailbox.mails[0].get_content()
    wait_until(
        lambda: (
            set(Delivery.objects.values_list("channel", "state"))
            == {("live", "sent"), ("email", "sent")}
        ),
        within_s=30,
    )
    assert EscalationStep.objects.get(level=2).state == StepState.PENDING
    told = json.loads(asked(f"{web}/ws/health", key))
    assert told["status"] == "degraded"
    assert told["parts"]["escalation"]["status"] == "degraded"
    assert "web processes do its work" in told["parts"]["escalation"]["wrong"]["sweep"]
    assert told["parts"]["channel_layer"]["status"] == "degraded"
    deadline = time.monotonic() + 30
    while "ms5_escalation_rescued_total" not in (metrics := asked(f"{web}/metrics", key)):
        assert time.monotonic() < deadline
    rescued = [
        line for line in metrics.splitlines() if line.startswith("ms5_escalation_rescued")
    ]
    assert [float(line.split()[-1]) for line in rescued] == [1.0]
