import assert from "node:assert/strict";
import { test } from "node:test";

import { FACTS } from "../../static/js/facts.js";
import { fold, lineOf, reduce } from "../../static/js/reduce.js";
import { folds, golden } from "./golden.js";

const LINE = "L-BAG1";

function item(code, state, line = LINE) {
  return { type: "equipment_state", line_id: line, equipment_code: code, data: { equipment_code: code, state } };
}

function fact(seq, code, state, line = LINE) {
  return { ...item(code, state, line), timestamp: "2026-03-02T08:00:00Z", stream: line, seq };
}

function gauge(ver, good) {
  return {
    type: "production_update", timestamp: "2026-03-02T08:00:00Z", line_id: LINE, equipment_code: null,
    key: `production:${LINE}`, ver, source_at: "2026-03-02T08:00:00Z", data: { good },
  };
}

function board(items = [item("M1", "running")]) {
  return {
    epoch: "e-1",
    lines: { [LINE]: { code: LINE, name: "Line", items, gauges: {}, freshness: null } },
  };
}

function plc(status) {
  return { type: "plc_status", line_id: null, equipment_code: null, data: { plc: "plc9", status } };
}

const states = (value) => value.lines[LINE].items.map(({ data }) => [data.equipment_code, data.state]);

test("the table of facts is the one of the server", () => {
  const types = golden("drawing/types.json");
  const facts = Object.fromEntries(
    Object.entries(types)
      .filter(([, { kind }]) => kind === "fact")
      .map(([type, { family, subject, ended_when }]) => [type, { family, subject, endedWhen: ended_when }]),
  );
  assert.deepEqual(FACTS, facts);
});

const subjects = (items) => items.map((one) => JSON.stringify([one.type, one.line_id, one.data])).sort();

assert.ok(folds().length >= 5, "the golden files are where they should be");
for (const { name, before, events, after } of folds()) {
  test(`golden: ${name}`, () => {
    const folded = events.filter((event) => event.key === undefined).reduce(fold, before);
    assert.equal(folded.length, after.length);
    assert.deepEqual(subjects(folded), subjects(after));
  });
}

test("a fact moves the subject it is about", () => {
  const next = reduce(board(), fact(5, "M1", "stopped"));
  assert.deepEqual(states(next), [["M1", "stopped"]]);
  assert.deepEqual(states(reduce(next, fact(6, "M2", "idle"))), [["M1", "stopped"], ["M2", "idle"]]);
});

test("facts that are given again, in their order, leave the board as it was", () => {
  const facts = [fact(5, "M1", "stopped"), fact(6, "M2", "idle"), fact(7, "M1", "running")];
  const once = facts.reduce(reduce, board());
  assert.deepEqual(facts.slice(1).reduce(reduce, once), once);
});

test("the board before is left as it was", () => {
  const before = board();
  const copy = structuredClone(before);
  reduce(reduce(reduce(before, fact(5, "M1", "stopped")), gauge(1, 5)), { type: "heartbeat", timestamp: "t", freshness: { [LINE]: { plc: "lost" } }, degraded: [] });
  assert.deepEqual(before, copy);
});

test("a snapshot is the whole truth about its line", () => {
  const before = board([item("M1", "running"), item("M2", "running")]);
  const next = reduce(before, {
    type: "snapshot", subscription_type: "line", target_id: LINE, positions: { [LINE]: 9 },
    items: [item("M2", "stopped"), item("X", "running", "L-OTHER")],
  });
  assert.deepEqual(states(next), [["M2", "stopped"]]);
  assert.deepEqual(Object.keys(next.lines), [LINE]);
});

test("a snapshot of all lines brings a new one, and a line that is not in it vanishes", () => {
  const before = { ...board(), plant: { items: [plc("lost")], gauges: {} } };
  const next = reduce(before, {
    type: "snapshot", subscription_type: "line", target_id: "all", positions: { "L-NEW": 2, plant: 7 },
    items: [item("N1", "idle", "L-NEW"), plc("connected")],
  });
  assert.deepEqual(Object.keys(next.lines), ["L-NEW"]);
  assert.deepEqual(next.lines["L-NEW"].items, [item("N1", "idle", "L-NEW")]);
  assert.deepEqual(next.plant, { items: [plc("connected")], gauges: {} });
  assert.deepEqual(lineOf(next, LINE), { code: LINE, name: LINE, items: [], gauges: {}, freshness: null });
});

test("a snapshot of all lines empties a line that has nothing open", () => {
  const next = reduce(board(), { type: "snapshot", subscription_type: "line", target_id: "all", positions: { [LINE]: 5 }, items: [] });
  assert.deepEqual(states(next), []);
  assert.equal(next.lines[LINE].name, "Line");
});

test("a partial snapshot replaces only the lines it names", () => {
  const before = { ...board(), lines: { ...board().lines, "L-2": { code: "L-2", name: "Two", items: [item("N1", "idle", "L-2")], gauges: {}, freshness: null } } };
  const next = reduce(before, {
    type: "snapshot", subscription_type: "line", target_id: "all", partial: true, positions: { "L-2": 9 }, items: [item("N2", "running", "L-2")],
  });
  assert.deepEqual(next.lines["L-2"].items, [item("N2", "running", "L-2")]);
  assert.equal(next.lines[LINE], before.lines[LINE]);
});

test("a snapshot of something else than a line changes no line", () => {
  const before = board();
  assert.equal(reduce(before, { type: "snapshot", subscription_type: "andon", target_id: LINE, positions: {}, items: [] }), before);
});

test("of a gauge the newest version counts", () => {
  const newer = reduce(board(), gauge(7, 700));
  assert.equal(newer.lines[LINE].gauges[`production:${LINE}`].data.good, 700);
  assert.equal(reduce(newer, gauge(7, 1)), newer);
  assert.equal(reduce(newer, gauge(6, 1)), newer);
  assert.equal(reduce(newer, gauge(8, 800)).lines[LINE].gauges[`production:${LINE}`].data.good, 800);
});

test("another epoch forgets versions and keeps what is shown", () => {
  const before = reduce(board(), gauge(99, 10));
  const same = reduce(before, { type: "connection_established", epoch: "e-1" });
  assert.equal(same, before);
  const anew = reduce(before, { type: "connection_established", epoch: "e-2" });
  assert.equal(anew.epoch, "e-2");
  assert.deepEqual(states(anew), [["M1", "running"]]);
  assert.equal(anew.lines[LINE].gauges[`production:${LINE}`].data.good, 10);
  assert.equal(reduce(anew, gauge(1, 20)).lines[LINE].gauges[`production:${LINE}`].data.good, 20);
});

test("what could not be replayed takes any version, what was keeps its own, and what is not ours goes", () => {
  const before = reduce(board(), gauge(99, 10));
  const outcome = (recovered, reason) => ({ type: "resumed", streams: { [LINE]: { recovered, reason } } });
  assert.equal(reduce(before, outcome(true, null)), before);
  const lost = reduce(before, outcome(false, "diverged"));
  assert.equal(reduce(lost, gauge(3, 30)).lines[LINE].gauges[`production:${LINE}`].data.good, 30);
  assert.deepEqual(reduce(before, outcome(false, "forbidden")).lines, {});
});

test("a line that is taken away is not shown any more, and another refusal changes nothing", () => {
  const before = board();
  const error = { type: "error", code: "FORBIDDEN", subscription_type: "line", target_id: LINE };
  assert.deepEqual(reduce(before, error).lines, {});
  assert.equal(reduce(before, { ...error, target_id: "L-X" }), before);
  assert.equal(reduce(before, { ...error, code: "SERVER_BUSY" }), before);
  assert.equal(reduce(before, { ...error, subscription_type: "andon" }), before);
});

test("a heartbeat says how fresh each line is, and what is wrong with the server", () => {
  const next = reduce(board(), {
    type: "heartbeat", timestamp: "2026-03-02T08:00:05Z", positions: {}, facts_sent: 1,
    freshness: { [LINE]: { plc: "connected", age_ms: 640, quality: "good" }, "L-X": { plc: "lost", age_ms: 1, quality: "bad" } },
    degraded: ["production"],
  });
  assert.deepEqual(next.lines[LINE].freshness, { plc: "connected", age_ms: 640, quality: "good", at: "2026-03-02T08:00:05Z" });
  assert.deepEqual(next.degraded, ["production"]);
  assert.deepEqual(Object.keys(next.lines), [LINE]);
});

test("what is not understood changes nothing", () => {
  const before = board();
  for (const message of [{ type: "pong", t: 1 }, { type: "error", code: "INTERNAL" }, { type: "live" }, { type: "subscription_confirmed", positions: {} }]) {
    assert.equal(reduce(before, message), before);
  }
  assert.deepEqual(fold([], { type: "made_up", data: { id: 1 } }), []);
});

test("what concerns no line is kept with the plant and moves no line", () => {
  const before = board();
  const next = reduce(before, { ...plc("lost"), timestamp: "2026-03-02T08:00:00Z", stream: "plant", seq: 9 });
  assert.deepEqual(next.plant, { items: [plc("lost")], gauges: {} });
  assert.equal(next.lines, before.lines);
  const later = reduce(next, { ...plc("connected"), stream: "plant", seq: 10 });
  assert.deepEqual(later.plant.items, [plc("connected")]);
});

test("a hundred thousand events leave a board of the same size", () => {
  let now = board();
  for (let seq = 5; seq < 100_005; seq += 1) now = reduce(now, fact(seq, `M${seq % 20}`, "running"));
  assert.equal(now.lines[LINE].items.length, 20);
});
