import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerClock, wallClock } from "../../static/js/clock.js";
import { drawConnection, gapNotice, spokenOf } from "../../static/js/connection.js";
import { drawLine } from "../../static/js/drawing.js";
import * as format from "../../static/js/format.js";
import { freshnessOf } from "../../static/js/freshness.js";
import { drawWork } from "../../static/js/work.js";
import { golden } from "./golden.js";

for (const [name, cases] of Object.entries(golden("drawing/formats.json"))) {
  test(`golden: ${name}`, () => {
    assert.ok(cases.length >= 5);
    for (const [value, text] of cases) assert.equal(format[name](value), text, `${name}(${value})`);
  });
}

for (const { name, sources, now, fresh } of golden("drawing/freshness.json")) {
  test(`golden: ${name}`, () => assert.deepEqual(freshnessOf(sources, Date.parse(now)), fresh));
}

for (const { name, line, now, drawing } of golden("drawing/lines.json")) {
  test(`golden: ${name}`, () => assert.deepEqual(drawLine(line, Date.parse(now)), drawing));
}

for (const { name, line, now, time_zone, work } of golden("drawing/work.json")) {
  test(`golden: ${name}`, () => assert.deepEqual(drawWork(line, time_zone, Date.parse(now)), work));
}

test("a line of which nothing is known yet is drawn all the same", () => {
  const line = { code: "L-NEW", name: "L-NEW", items: [], gauges: {}, freshness: null };
  const drawing = drawLine(line, 0);
  assert.equal(drawing.word, "NO DATA");
  assert.deepEqual([drawing.actual, drawing.target, drawing.downtime], ["–", "–", "–"]);
  assert.deepEqual(drawing.machines, []);
});

test("while nothing is heard states last no longer and data grow older", () => {
  const [{ line, now }] = golden("drawing/lines.json");
  const known = Date.parse(now);
  const drawing = drawLine(line, known + 30_000, known);
  assert.equal(drawing.timer, "04:12");
  assert.equal(drawing.machines[1].timer, "1 h 04");
  assert.deepEqual(drawing.fresh, { level: "stale", text: "data 31 s old", timer: "00:31" });
});

test("the clock follows what the server said last, whatever the local clock is set to", () => {
  let local = 1_000;
  const clock = new ServerClock("2026-03-02T08:00:00Z", () => local);
  const at = Date.parse("2026-03-02T08:00:00Z");
  assert.equal(clock.now(), at);
  local += 2_500;
  assert.equal(clock.now(), at + 2_500);
  local = 9_000_000;
  clock.heard("2026-03-02T08:00:05Z");
  assert.equal(clock.now(), at + 5_000);
  assert.equal(clock.at(local - 1_000), at + 4_000);
  clock.heard("not a time");
  assert.equal(clock.now(), at + 5_000);
});

test("the wall clock is that of the plant, summer time included, and midnight is 00", () => {
  assert.equal(wallClock(Date.parse("2026-03-02T16:42:08Z"), "Europe/Berlin"), "17:42:08");
  assert.equal(wallClock(Date.parse("2026-07-02T16:42:08Z"), "Europe/Berlin"), "18:42:08");
  assert.equal(wallClock(Date.parse("2026-03-02T23:00:00Z"), "Europe/Berlin"), "00:00:00");
});

test("twelve seconds without a word make the board stale, whatever the status", () => {
  const link = { status: "live", heardAt: 0, message: "" };
  assert.deepEqual(drawConnection(link, 12_000), { level: "live", text: "live", stale: false, timer: "00:12" });
  assert.equal(drawConnection(link, 12_001).stale, true);
  assert.deepEqual(drawConnection({ ...link, status: "lost" }, 23_000), { level: "lost", text: "reconnecting, offline 00:23", stale: true, timer: "00:23" });
  assert.deepEqual(drawConnection({ ...link, status: "connecting" }, 400), { level: "connecting", text: "connecting", stale: false, timer: "00:00" });
  assert.deepEqual(drawConnection({ ...link, status: "ended", message: "This account is disabled." }, 500), { level: "ended", text: "This account is disabled.", stale: false, timer: "00:00" });
});

test("the age of what is shown is said when it is too great, and when it is not any more", () => {
  assert.equal(spokenOf({ stale: false }, false), "");
  assert.equal(spokenOf({ stale: true }, false), "12 seconds without news. What is shown is old.");
  assert.equal(spokenOf({ stale: true }, true), "");
  assert.equal(spokenOf({ stale: false }, true), "Connected again.");
});

test("a gap is told with the name of its line and the reason, and a perfect resume not at all", () => {
  const nameOf = (stream) => ({ "L-1": "Line 1", plant: "the plant" })[stream] ?? stream;
  assert.equal(gapNotice([], nameOf), "");
  assert.equal(gapNotice([{ stream: "L-1", reason: "too_far" }], nameOf), "Some history of Line 1 was not received: too much happened meanwhile.");
  assert.equal(
    gapNotice([{ stream: "L-1", reason: "ahead" }, { stream: "plant", reason: "diverged" }, { stream: "L-2", reason: "retention" }], nameOf),
    "Some history of Line 1, the plant was not received: the server was restored from a backup. Some history of L-2 was not received: it is older than what the server keeps.",
  );
  assert.equal(gapNotice([{ stream: "L-1", reason: "forbidden" }], nameOf), "");
  assert.equal(gapNotice(["A", "B", "C", "D"].map((stream) => ({ stream, reason: "epoch" })), nameOf), "Some history of several lines was not received: the server began its log anew.");
});
