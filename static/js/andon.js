/** The Andon board: who waits, who comes, who is there. */

import "./components/age-chip.js";
import "./components/andon-board.js";
import "./components/andon-recent.js";
import "./components/call-list.js";
import "./components/choices.js";
import "./components/server-clock.js";
import "./components/sound-switch.js";
import "./components/stale-mark.js";
import { drawFrame } from "./components/page-frame.js";
import { calling } from "./calling.js";
import { drawCalls } from "./calls.js";
import { Chimes } from "./chimes.js";
import { live } from "./live.js";

const face = document.querySelector("andon-board");
const recent = face.querySelector("andon-recent");
const sound = document.querySelector("sound-switch");
const chimes = new Chimes();
let serverNow = Date.now();

live([{ subscription_type: "line", target_id: face.dataset.target }], (board, { now, known }, connection) => {
  serverNow = now;
  const calls = drawCalls(Object.values(board.lines), known);
  drawFrame(board, now, connection);
  face.draw(calls, known);
  recent.rail = calls.rail;
  // What is old may have been claimed long ago: a board that knows nothing stays silent.
  if (!connection.stale) sound.play(chimes.due(calls.rail.filter(isUnclaimed).map(({ id }) => id), performance.now()));
});
calling(() => serverNow);

/** Whether somebody must still say that they come. */
function isUnclaimed({ status, again, resting }) {
  return (status === "open" || again) && !resting;
}
