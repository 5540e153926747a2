import assert from "node:assert/strict";
import { test } from "node:test";

import { FACTS, fold, reduce } from "../../static/js/reduce.js";
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

function board(items = [item("M1", "running")], position = 4) {
  return {
    epoch: "e-1",
    lines: {
      [LINE]: { code: LINE, name: "Line", items, gauges: {}, freshness: null, positions: { [LINE]: position } },
    },
  };
}

const states = (value) => value.lines[LINE].items.map(({ data }) => [data.equipment_code, data.state]);

test("the table of facts is the one of the server", () => {
  const types = golden("drawing/types.json");
  const facts = Object.fromEntries(
    Object.entries(types)
      .filter(([, { kind }]) => kind === "fact")
      .map(([type, { subject, ended_when }]) => [type, { subject, endedWhen: ended_when }]),
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

test("a fact is applied once, at its position", () => {
  const next = reduce(board(), fact(5, "M1", "stopped"));
  assert.deepEqual(states(next), [["M1", "stopped"]]);
  assert.deepEqual(next.lines[LINE].positions, { [LINE]: 5 });
  assert.equal(reduce(next, fact(5, "M1", "running")), next);
});

test("a fact at or below the position of the snapshot changes nothing", () => {
  const before = board();
  assert.equal(reduce(before, fact(4, "M1", "stopped")), before);
  assert.equal(reduce(before, fact(1, "M1", "stopped")), before);
});

test("holes between positions are normal", () => {
  assert.deepEqual(reduce(board(), fact(900, "M1", "idle")).lines[LINE].positions, { [LINE]: 900 });
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
  assert.deepEqual(next.lines[LINE].positions, { [LINE]: 9 });
  assert.deepEqual(Object.keys(next.lines), [LINE]);
});

test("a snapshot of all lines empties a line that has nothing open and brings a new one", () => {
  const next = reduce(board(), {
    type: "snapshot", subscription_type: "line", target_id: "all", positions: { "L-NEW": 2, plant: 7 },
    items: [item("N1", "idle", "L-NEW")],
  });
  assert.deepEqual(states(next), []);
  assert.deepEqual(next.lines["L-NEW"].positions, { "L-NEW": 2 });
  assert.deepEqual(Object.keys(next.lines).sort(), [LINE, "L-NEW"].sort());
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

test("another epoch forgets positions and versions and keeps what is shown", () => {
  const before = reduce(board(), gauge(99, 10));
  const same = reduce(before, { type: "connection_established", epoch: "e-1" });
  assert.equal(same, before);
  const anew = reduce(before, { type: "connection_established", epoch: "e-2" });
  assert.equal(anew.epoch, "e-2");
  assert.deepEqual(states(anew), [["M1", "running"]]);
  assert.deepEqual(states(reduce(anew, fact(1, "M1", "stopped"))), [["M1", "stopped"]]);
  assert.equal(reduce(anew, gauge(1, 20)).lines[LINE].gauges[`production:${LINE}`].data.good, 20);
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
  assert.deepEqual(fold([], { type: "job_started", data: { id: 1 } }), []);
});

test("a fact that concerns no line moves no line", () => {
  const before = board();
  assert.equal(reduce(before, { ...fact(9, "M1", "idle"), line_id: null, stream: "plant" }), before);
});

test("a hundred thousand events leave a board of the same size", () => {
  let now = board();
  for (let seq = 5; seq < 100_005; seq += 1) now = reduce(now, fact(seq, `M${seq % 20}`, "running"));
  assert.equal(now.lines[LINE].items.length, 20);
  assert.deepEqual(now.lines[LINE].positions, { [LINE]: 100_004 });
});
