"""The simulated controller, seen by pycomm3 as it is published."""

import pytest
from pycomm3 import LogixDriver

from telemetry.simulator.enip import LogixServer
from telemetry.simulator.memory import Memory


@pytest.fixture
def stock(plc):
    driver = LogixDriver(f"127.0.0.1:{plc.port}")
    assert driver.open()
    yield driver
    driver.close()


def test_it_opens_with_the_tag_upload(stock):
    assert set(stock.tags) == {
        "MC_Avg_Speed",
        "Current_Product",
        "Count_Blade_PEC",
        "AllDrivesEnabled",
        "Fault",
        "Recipe",
        "Total",
        "Big",
        "Program:Main.Step",
    }
    assert stock.tags["Count_Blade_PEC"]["data_type_name"] == "COUNTER"
    assert stock.info["name"] == "MS5_BAKERY"
    assert stock.get_plc_info()["product_name"] == "1769-L33ER/A LOGIX5333ER"


def test_a_tag_list_longer_than_a_reply_is_uploaded_in_pages():
    server = LogixServer(Memory([(f"Tag_{n:04}", "DINT", 1) for n in range(500)]))
    server.start()
    try:
        driver = LogixDriver(f"127.0.0.1:{server.port}")
        driver.open()
        assert len(driver.tags) == 500
        assert server.stats.services[0x55] > 5
        driver.close()
    finally:
        server.stop()


def test_it_reads_one_tag_and_a_list_and_arrays(plc, stock):
    plc.set("MC_Avg_Speed", 98.5)
    plc.set("Count_Blade_PEC.ACC", 84231)
    plc.set("Fault[59]", True)
    plc.set("Recipe", list(range(3000)))
    plc.set("Program:Main.Step", -7)
    assert stock.read("MC_Avg_Speed").value == 98.5
    assert stock.read("Count_Blade_PEC.ACC").value == 84231
    assert stock.read("Count_Blade_PEC").value["ACC"] == 84231
    assert stock.read("Recipe{3000}").value == list(range(3000))
    listed = stock.read("Fault{64}", "Fault[59]", "Recipe[17]", "Program:Main.Step")
    assert [n for n, on in enumerate(listed[0].value) if on] == [59]
    assert [tag.value for tag in listed[1:]] == [True, 17, -7]
    assert plc.stats.services[0x0A] == 1


def test_an_unknown_tag_or_element_is_an_error_of_that_tag(plc, stock):
    plc.set("Current_Product", 3)
    plc.controller.tag_errors["Total"] = 0x0F
    good, denied, beyond = stock.read("Current_Product", "Total", "Recipe[3000]")
    assert (good.value, good.error) == (3, None)
    assert denied.value is None
    assert denied.error.startswith("Permission denied")
    assert beyond.value is None
    assert beyond.error


def test_a_write_is_refused_and_counted(plc, stock):
    assert stock.write("Current_Product", 5).error.startswith("Permission denied")
    assert plc.get("Current_Product") == 0
    assert plc.stats.writes >= 1
