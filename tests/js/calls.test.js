import assert from "node:assert/strict";
import { test } from "node:test";

import { drawCalls, drawSlots } from "../../static/js/calls.js";
import { golden } from "./golden.js";

for (const { name, lines, now, calls, slots } of golden("drawing/calls.json")) {
  test(`golden: ${name}`, () => {
    const drawn = drawCalls(lines, Date.parse(now));
    assert.deepEqual(drawn, calls);
    assert.deepEqual(drawSlots(drawn.rail), slots);
  });
}
