import assert from "node:assert/strict";
import { test } from "node:test";

import { indexNear, nextIndex, shown } from "../../static/js/stops.js";

test("the arrows walk along the points and stop at the ends", () => {
  assert.equal(nextIndex("ArrowLeft", -1, 5), 4);
  assert.equal(nextIndex("ArrowRight", -1, 5), 4);
  assert.equal(nextIndex("ArrowLeft", 0, 5), 0);
  assert.equal(nextIndex("ArrowRight", 3, 5), 4);
  assert.equal(nextIndex("PageUp", 25, 30), 15);
  assert.equal(nextIndex("PageDown", 25, 30), 29);
  assert.equal(nextIndex("Home", 3, 5), 0);
  assert.equal(nextIndex("End", 3, 5), 4);
  assert.equal(nextIndex("ArrowRight", 9, 4), 3);
  assert.equal(nextIndex("a", 3, 5), null);
  assert.equal(nextIndex("Home", -1, 0), null);
});

test("the pointer finds the nearest point", () => {
  assert.equal(indexNear(12, [0, 10, 20]), 1);
  assert.equal(indexNear(900, [0, 10, 20]), 2);
  assert.equal(indexNear(3, []), -1);
});

test("a reading is written as the server writes it", () => {
  assert.equal(shown(99.123456789), "99.1235");
  assert.equal(shown(100000), "100000");
  assert.equal(shown(true), "1");
  assert.equal(shown(null), "–");
  assert.equal(shown("on: 3, 5"), "on: 3, 5");
});
