"""The demo's rows: complete, valid, and left alone by a second run."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ms5.accounts.models import User
from production.models import Context, Equipment, IdealCycle, Line, Product
from telemetry.models import MessageBit, Plc, Tag

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = (Line, Equipment, Product, IdealCycle, Plc, Tag, MessageBit, User)


@pytest.fixture
def seed(monkeypatch):
    monkeypatch.setenv("MS5_DEMO_PASSWORD", "first-secret")

    def run(**options):
        call_command("seed_demo", stdout=StringIO(), **options)

    return run


def test_it_makes_the_bakery_with_rows_that_their_own_forms_would_accept(seed):
    seed()
    assert {model.__name__: model.objects.count() for model in MODELS} == {
        "Line": 2,
        "Equipment": 4,
        "Product": 3,
        "IdealCycle": 12,
        "Plc": 4,
        "Tag": 22,
        "MessageBit": 32,
        "User": 7,
    }
    for model in (*MODELS[:-1], Context):
        for row in model.objects.all():
            row.full_clean()


def test_each_line_has_one_constraint_and_each_machine_a_tag_that_tells_its_state(seed):
    seed()
    assert list(
        Equipment.objects.filter(is_constraint=True).values_list("line__code", "code")
    ) == [("L-BAG1", "BP01.PACK.BAG1"), ("L-PACK2", "BP01.PACK.CP1")]
    telling = Tag.objects.filter(role__in=["running", "state_word"])
    assert telling.values("equipment").distinct().count() == 4


def test_the_controllers_are_where_the_simulator_listens(seed):
    seed(logix_port=30000, modbus_port=31000)
    assert dict(Plc.objects.values_list("code", "port")) == {
        "bagger": 30000,
        "loader": 30001,
        "checkweigher": 31000,
        "casepacker": 31001,
    }


def test_a_second_run_changes_nothing_that_people_edited(seed):
    seed()
    Plc.objects.filter(code="bagger").update(host="10.1.2.3", name="Real bagger", enabled=False)
    Product.objects.filter(code="P500").update(name="Toast")
    Tag.objects.filter(plc__code="loader", name="Speed").delete()
    User.objects.filter(username="viewer").update(role="operator")
    seed(logix_port=30000, modbus_port=31000)
    bagger = Plc.objects.get(code="bagger")
    assert (bagger.host, bagger.port, bagger.name, bagger.enabled) == (
        "10.1.2.3",
        24818,
        "Real bagger",
        False,
    )
    assert Plc.objects.get(code="loader").port == 30001
    assert Product.objects.get(code="P500").name == "Toast"
    assert not Tag.objects.filter(plc__code="loader", name="Speed").exists()
    assert User.objects.get(username="viewer").role == "operator"
    assert Tag.objects.count() == 21


def test_passwords_are_those_of_the_environment_each_time(seed, monkeypatch):
    seed()
    monkeypatch.setenv("MS5_DEMO_PASSWORD", "second-secret")
    seed()
    assert [user.check_password("second-secret") for user in User.objects.all()] == [True] * 7


def test_without_a_password_nothing_is_made(monkeypatch):
    monkeypatch.delenv("MS5_DEMO_PASSWORD", raising=False)
    with pytest.raises(CommandError, match="MS5_DEMO_PASSWORD"):
        call_command("seed_demo")
    assert (User.objects.count(), Line.objects.count()) == (0, 0)


def test_the_viewer_sees_one_line_and_the_others_all(seed):
    seed()
    seen = {
        user.username: list(
            Line.objects.visible_to(user).order_by("code").values_list("code", flat=True)
        )
        for user in User.objects.all()
    }
    assert seen.pop("viewer") == ["L-BAG1"]
    assert set(map(tuple, seen.values())) == {("L-BAG1", "L-PACK2")}
