"""The same commands in the demo and in the containers; every variable is documented."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from ms5.demo import commands
from ms5.demo.run import LOGINS
from realtime.limits import Limits
from telemetry.demo import USERS

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container


@pytest.mark.parametrize(
    ("service", "arguments"),
    [
        ("migrate", commands.MIGRATE),
        (
            "web",
            (*commands.web(EVERYWHERE, 8000), "--processes", "${MS5_WEB_PROCESSES:-2}"),
        ),
        ("poll", commands.POLL),
        ("worker", commands.WORKER),
        ("beat", commands.BEAT),
    ],
)
def test_a_container_runs_what_the_demo_runs(service, arguments):
    assert tuple(SERVICES[service]["command"]) == ("python", *arguments)


def test_the_image_serves_the_web_and_collects_as_the_demo_does():
    text = (ROOT / "Dockerfile").read_text()
    command = json.loads(re.search(r"^CMD (\[.*\])$", text, re.MULTILINE).group(1))
    assert command == ["python", *commands.web(EVERYWHERE, 8000)]
    assert f"python {' '.join(commands.COLLECT_STATIC)}" in text
    assert text.index("USER ms5") > text.index("COPY . .")


def test_the_units_of_the_operations_page_run_what_the_demo_runs():
    text = (ROOT / "docs" / "operations.md").read_text()
    # systemd wants a percent sign twice.
    units = {
        name: tuple(command.replace("%%", "%").split())
        for name, command in re.findall(
            r"^# ms5-(\w+)\.service\nExecStart=\S+/python (.*)$", text, re.MULTILINE
        )
    }
    assert units == {
        "web": (*commands.web("127.0.0.1", 8000), "--processes", "2"),
        "poll": commands.POLL,
        "worker": commands.WORKER,
        "beat": commands.BEAT,
    }


def test_compose_runs_these_services_and_no_other():
    assert set(SERVICES) == {"db", "redis", "migrate", "web", "poll", "worker", "beat"}


def test_nothing_starts_before_the_database_is_migrated():
    for name in ("web", "poll", "worker", "beat"):
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "redis": {"condition": "service_healthy"},
        }
    assert SERVICES["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_redis_in_a_container_refuses_rather_than_forgets():
    assert "--maxmemory-policy noeviction" in SERVICES["redis"]["command"][2]
    assert "--appendonly yes" in SERVICES["redis"]["command"][2]


def test_no_secret_has_a_default_in_compose():
    environment = SERVICES["web"]["environment"]
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        assert re.search(r"\$\{\w+:\?", environment[name])


def test_every_container_that_is_published_is_so_on_the_loopback():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published == ["${MS5_HOST:-127.0.0.1}:${MS5_PORT:-8000}:8000"]


def variables_read():
    """Every name that the settings and the demo look up in the environment."""
    settings = (ROOT / "ms5/settings.py").read_text()
    demo = (ROOT / "ms5/demo/wishes.py").read_text()
    limits = {f"MS5_LIMIT_{each.name.upper()}" for each in fields(Limits)}
    return (
        limits
        | set(re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"', settings))
        | set(re.findall(r'environment\.get\(\s*"([A-Z0-9_]+)"', demo))
    )


def test_the_example_names_every_variable_and_no_other():
    example = (ROOT / ".env.example").read_text()
    named = re.findall(r"^# ([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == variables_read()


def test_compose_sets_only_variables_that_are_read():
    assert set(SERVICES["web"]["environment"]) <= variables_read()


def test_the_logins_shown_are_the_users_that_are_loaded():
    assert tuple(name for name, *_ in USERS) == LOGINS
