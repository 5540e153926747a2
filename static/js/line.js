/** The board of one line. */

import "./components/age-chip.js";
import "./components/choices.js";
import "./components/fault-list.js";
import "./components/line-board.js";
import "./components/machine-strip.js";
import "./components/plc-list.js";
import "./components/server-clock.js";
import "./components/speed-bar.js";
import "./components/stale-mark.js";
import { drawFrame } from "./components/page-frame.js";
import { drawLine } from "./drawing.js";
import { live } from "./live.js";
import { lineOf } from "./reduce.js";

const face = document.querySelector("line-board");
const code = face.dataset.line;

live([{ subscription_type: "line", target_id: code }], (board, { now, known }, connection) => {
  const drawing = drawLine(lineOf(board, code), now, known);
  drawFrame(board, now, connection, drawing.fresh.level === "stale" ? drawing.fresh.timer : "");
  face.drawing = drawing;
});
