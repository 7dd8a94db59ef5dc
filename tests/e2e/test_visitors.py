"""Two visitors with a browser each: names that stay, and runs that are their owners' alone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from benchmarks.visitor import arrive
from benchmarks.visitors import measure
from mnist_core.config import RunConfig
from tests.helpers import eventually

pytestmark = pytest.mark.e2e

LONG = RunConfig.parse({"data": {"subset": 20_000}, "training": {"epochs": 500}})


def name_of(lab):
    return who(lab).get_by_role("button").first.inner_text().split("\n")[0]


def colour_of(lab):
    """Of the dot before the name, as the browser draws it."""
    return who(lab).get_by_text("●", exact=True).first.evaluate("dot => getComputedStyle(dot).color")


def who(lab):
    return lab.page.get_by_test_id("stSidebar").get_by_test_id("stPopover")


def test_a_name_stays_after_f5_and_nobody_stops_the_run_of_another(visitor, store):
    anna, ben = visitor(), visitor()
    for lab in (anna, ben):
        lab.open("Home")
    given, colour = name_of(anna), colour_of(anna)
    anna.page.reload()
    anna.on("Home")
    assert (name_of(anna), colour_of(anna)) == (given, colour)

    who(anna).get_by_role("button").first.click()
    anna.fill("Your name here", "Anna")
    anna.page.get_by_role("button", name="Keep this name").click()
    expect(who(anna)).to_contain_text("Anna")
    anna.page.reload()
    anna.on("Home")
    assert "Anna" in name_of(anna) and "Anna" not in name_of(ben)
    assert colour_of(anna) == colour

    run_id = store.create(LONG, "anna's")
    anna_id = next(row for row in _ids(store, "Anna"))
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET owner = '{anna_id}' WHERE id = '{run_id}'")
    for lab in (anna, ben):
        lab.open("Train", run=run_id)
    ben.sees("This run belongs to Anna.")
    expect(ben.button("Stop")).to_have_count(0)
    expect(ben.button("Cancel")).to_have_count(0)
    anna.button("Stop").or_(anna.button("Cancel")).click()
    eventually(lambda: store.get(run_id).wish == "stop" or not store.get(run_id).active)


def _ids(store, name):
    with store.database.read() as connection:
        return [row.id for row in connection.exec_driver_sql(f"SELECT id FROM visitors WHERE name = '{name}'")]


def test_visitors_over_websockets_are_answered(server, store):
    """The benchmark at a small size: its visitors are real ones to the server, and nothing fails."""
    with ThreadPoolExecutor(1) as aside:  # the browser of the other tests keeps a loop of its own in this thread
        aside.submit(lambda: asyncio.run(_look_in(server.url))).result()  # which starts the engine, if it is away
        found = aside.submit(measure, server, visitors=2, minutes=0.05).result()
    assert found["errors"] == 0 and found["page_updates"] > 0 and found["drawings"] > 0
    assert found["draw_p95_ms"] <= found["draw_and_below_p95_ms"]
    keys = {"visitors", "minutes", "page_p95_ms", "draw_p95_ms", "errors", "mb_per_visitor"}
    assert keys <= set(found) and (found["visitors"], found["minutes"]) == (2, 0.05)


async def _look_in(url):
    visitor = await arrive(url, "")
    await visitor.connection.close()
