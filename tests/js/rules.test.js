import assert from "node:assert/strict";
import { test } from "node:test";

import { afterClose, backOff } from "../../static/js/backoff.js";
import { reduce } from "../../static/js/reduce.js";
import { Rules } from "../../static/js/rules.js";
import { clientCases } from "./golden.js";

const { cases, frames } = clientCases();
const EMPTY = { epoch: null, degraded: [], plant: { items: [], gauges: {} }, lines: {} };
const SUBJECT = { equipment_state: "equipment_code", plc_status: "plc" };

/** Rules and a board, told the steps of a case. */
class Client {
  board = EMPTY;

  constructor({ subscriptions, random }) {
    this.rules = new Rules(subscriptions, () => random, 0);
  }

  take(step) {
    const outputs = this.#told(step);
    for (const output of outputs) {
      if (output.do === "apply") this.board = reduce(this.board, output.message);
    }
    return outputs.map(plain);
  }

  #told({ at, frame, batch, closed, do: word }) {
    if (frame) return this.rules.heard(at, JSON.stringify(frames[frame]));
    if (batch) return this.rules.heard(at, JSON.stringify(batch.map((name) => frames[name])));
    return closed ? this.rules.closed(at, closed) : this.rules[word](at);
  }

  state(name) {
    const places = [["plant", this.board.plant], ...Object.entries(this.board.lines)];
    switch (name) {
      case "board":
        return places.flatMap(([, { items }]) => items.map(subject)).sort();
      case "gauges":
        return places.flatMap(([stream, { gauges }]) =>
          Object.values(gauges).map(({ key, ver, data }) => `${stream} ${key} v${ver} ${data.good}`),
        );
      case "degraded":
        return this.board.degraded;
      case "gaps":
        return this.rules.gaps.map(({ stream, after, to, reason }) => [stream, after, to, reason]);
      case "known_at":
        return this.rules.knownAt;
      default:
        return this.rules[name];
    }
  }
}

/** An output as the golden files write it. */
function plain(output) {
  switch (output.do) {
    case "send":
      return ["send", output.message];
    case "apply": {
      const number = output.message.seq ?? output.message.ver;
      return ["apply", output.message.type, ...(number === undefined ? [] : [number])];
    }
    case "rewind":
      return ["rewind", output.positions];
    case "lost":
      return ["lost", output.code, output.message, output.delay];
    case "ended":
      return ["ended", output.code, output.action, output.message];
    default:
      return [output.do];
  }
}

/** An item as the golden files write it. */
function subject({ type, line_id, data }) {
  return `${line_id ?? "plant"} ${type} ${data[SUBJECT[type] ?? "id"]} ${data.state ?? data.status ?? data.code}`;
}

assert.ok(cases.length >= 60, "the golden files are where they should be");
for (const { name, steps, ...setting } of cases) {
  test(`golden: ${name}`, () => {
    const client = new Client(setting);
    for (const [number, step] of steps.entries()) {
      assert.deepEqual(client.take(step), step.out, `step ${number}`);
      for (const [key, expected] of Object.entries(step.state ?? {})) {
        assert.deepEqual(client.state(key), expected, `step ${number}: ${key}`);
      }
    }
  });
}

test("the pause before another attempt is anything up to a ceiling that doubles until thirty seconds", () => {
  assert.deepEqual([0, 1, 2, 6, 7, 5_000].map((attempt) => backOff(attempt, () => 0.999_999_9)).map(Math.ceil), [500, 1_000, 2_000, 30_000, 30_000, 30_000]);
  assert.equal(backOff(9, () => 0), 0);
});

test("every close has a sentence", () => {
  for (const code of [1000, 1006, 1009, 1012, 4400, 4401, 4403, 4406, 4408, 4429, 4503, 4508, 4510]) {
    assert.notEqual(afterClose(code).message, "", String(code));
  }
});

test("two hundred wishes fit into the messages that a server takes, and are answered one by one", () => {
  const wishes = Array.from({ length: 200 }, (_, number) => ({ subscription_type: "production", target_id: `L-${number}`.padEnd(64, "x") }));
  const rules = new Rules(wishes, () => 0.5, 0);
  rules.start(0);
  const sent = rules.opened(1).map(({ message }) => message);
  assert.deepEqual(sent.map(({ id, subscriptions }) => [id, subscriptions.length]), [[1, 50], [2, 50], [3, 50], [4, 50]]);
  for (const message of sent) assert.ok(JSON.stringify(message).length < 16_384);
  rules.heard(2, JSON.stringify(frames["hello e-1"]));
  for (const { id, subscriptions } of sent) {
    for (const wish of subscriptions) {
      assert.equal(rules.status, "connecting");
      rules.heard(3, JSON.stringify({ type: "snapshot", id, ...wish, positions: {}, items: [] }));
    }
  }
  assert.equal(rules.status, "live");
});
