/** The board of one line. */

import "./components/age-chip.js";
import "./components/call-slots.js";
import "./components/choices.js";
import "./components/fault-list.js";
import "./components/line-board.js";
import "./components/machine-strip.js";
import "./components/plc-list.js";
import "./components/server-clock.js";
import "./components/speed-bar.js";
import "./components/shift-part.js";
import "./components/stale-mark.js";
import "./components/work-strip.js";
import { drawFrame } from "./components/page-frame.js";
import { calling } from "./calling.js";
import { drawCalls, drawSlots } from "./calls.js";
import { drawLine } from "./drawing.js";
import { live } from "./live.js";
import { lineOf } from "./reduce.js";
import { drawWork } from "./work.js";

const face = document.querySelector("line-board");
const code = face.dataset.line;
const strip = face.querySelector("work-strip");
const slots = face.querySelector("call-slots");
const shift = face.querySelector("shift-part");
const { timeZone } = document.querySelector("server-clock").dataset;
let serverNow = Date.now();

live([{ subscription_type: "line", target_id: code }], (board, { now, known }, connection) => {
  serverNow = now;
  const line = lineOf(board, code);
  const drawing = drawLine(line, now, known);
  drawFrame(board, now, connection, drawing.fresh.level === "stale" ? drawing.fresh.timer : "");
  face.drawing = drawing;
  strip.work = drawWork(line, timeZone, known);
  slots.slots = drawSlots(drawCalls([line], known).rail);
  shift.line = line;
});
calling(() => serverNow);
