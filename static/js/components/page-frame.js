/** What every live page has in its frame: clock, connection, stale mark, and the server's own complaints. */

import { mark, write } from "../bind.js";

/**
 * @param {object} board
 * @param {number} now server time in ms
 * @param {{level: string, text: string, stale: boolean, timer: string}} connection
 * @param {string} dataTimer how long the data of the whole page is stale; empty: it is not
 */
export function drawFrame(board, now, connection, dataTimer = "") {
  document.querySelector("server-clock").now = now;
  document.getElementById("connection").fresh = connection;
  const timer = connection.stale ? connection.timer : dataTimer;
  mark(document.querySelector("main"), "data-fresh", timer === "" ? "live" : "stale");
  document.querySelector("body > stale-mark").timer = timer;
  const degraded = document.getElementById("degraded");
  const wrong = (board.degraded ?? []).join(", ").replaceAll("_", " ");
  if (degraded.hidden !== (wrong === "")) degraded.hidden = wrong === "";
  write(degraded.querySelector("[data-text]"), `degraded: ${wrong}`);
}
