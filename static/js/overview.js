/** The plant overview: a tile per line, in plant order. */

import "./components/age-chip.js";
import "./components/call-list.js";
import "./components/choices.js";
import "./components/line-tile.js";
import "./components/machine-strip.js";
import "./components/server-clock.js";
import "./components/stale-mark.js";
import { drawFrame } from "./components/page-frame.js";
import { write } from "./bind.js";
import { drawCalls } from "./calls.js";
import { drawLine } from "./drawing.js";
import { live } from "./live.js";
import { lineOf } from "./reduce.js";

const rail = document.querySelector(".rail");
const tiles = [...document.querySelectorAll("line-tile")];

live([{ subscription_type: "line", target_id: "all" }], (board, { now, known }, connection) => {
  drawFrame(board, now, connection);
  for (const tile of tiles) {
    tile.drawing = drawLine(lineOf(board, tile.dataset.line), now, known);
  }
  if (!rail) return; // a plant without lines has none
  const { rail: calls } = drawCalls(Object.values(board.lines), known);
  rail.querySelector("call-list").rows = calls;
  write(rail.querySelector("[data-calls]"), calls.length);
});
