import assert from "node:assert/strict";
import { test } from "node:test";

import { Chimes, REPEAT_MS } from "../../static/js/chimes.js";
import { Deeds, refusal } from "../../static/js/deeds.js";

const NOW = Date.parse("2026-03-02T08:10:00Z");

test("a lost race is told by whom and when", () => {
  const present = { status: "acknowledged", acknowledged_by: "Ayse", acknowledged_at: "2026-03-02T08:09:48Z" };
  assert.equal(refusal(409, { detail: "x", present }, NOW), "Ayse acknowledged 12 s ago.");
  const resolved = { status: "resolved", resolved_by: null, resolved_at: "2026-03-02T08:05:00Z" };
  assert.equal(refusal(409, { detail: "x", present: resolved }, NOW), "Somebody resolved it 05:00 ago.");
  const ahead = { ...present, acknowledged_at: "2026-03-02T08:10:01Z" };
  assert.equal(refusal(409, { present: ahead }, NOW), "Ayse acknowledged 0 s ago.");
});

test("what else was refused is told in the server's words, or by its number", () => {
  assert.equal(refusal(403, { detail: "Not for you." }, NOW), "Not for you.");
  assert.equal(refusal(409, { detail: "Another.", present: { status: "open" } }, NOW), "Another.");
  assert.equal(refusal(502, null, NOW), "It was not done (the server answered 502).");
});

function answering(...answers) {
  const asked = [];
  const send = (path, { headers }) => {
    asked.push(headers["Idempotency-Key"]);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { asked, send };
}

const said = (status) => ({ ok: status < 400, status, json: () => Promise.resolve({ id: 1 }) });

test("what nobody answered is tried again as the same deed, and after an answer it is another", async () => {
  const { asked, send } = answering(new Error("offline"), said(503), said(200), said(200));
  const deeds = new Deeds("token", send);
  assert.deepEqual(await deeds.post("/a/", {}), { ok: false, status: 0, body: null });
  assert.equal((await deeds.post("/a/", {})).status, 503);
  assert.equal((await deeds.post("/a/", {})).ok, true);
  await deeds.post("/a/", {});
  assert.deepEqual([asked[0] === asked[1], asked[1] === asked[2], asked[2] === asked[3]], [true, true, false]);
  assert.match(asked[0], /^[0-9a-f]{32}$/);
});

test("a second press while the first is under way does nothing", async () => {
  const { asked, send } = answering(said(200), said(200));
  const deeds = new Deeds("token", send);
  const first = deeds.post("/a/", {});
  assert.equal(await deeds.post("/a/", {}), null);
  assert.equal((await first).ok, true);
  assert.equal(asked.length, 1);
});

test("one chime for a new call, and a soft repeat until somebody claims it", () => {
  const chimes = new Chimes();
  assert.equal(chimes.due([], 0), "");
  assert.equal(chimes.due([7], 1_000), "chime");
  assert.equal(chimes.due([7], 1_250), "");
  assert.equal(chimes.due([7, 8], 1_500), "chime");
  assert.equal(chimes.due([7, 8], 1_500 + REPEAT_MS - 1), "");
  assert.equal(chimes.due([8], 1_500 + REPEAT_MS), "repeat");
  assert.equal(chimes.due([], 1_500 + 2 * REPEAT_MS), "");
});

test("what waited before the board was opened is repeated, not chimed", () => {
  assert.equal(new Chimes().due([7], 0), "repeat");
});
