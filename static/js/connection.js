/**
 * What the page says of its connection (pure): alive, on its way, or so silent that nothing shown can be trusted.
 */

import { duration } from "./format.js";
import { SILENCE_MS } from "./socket.js";

/**
 * @typedef {object} Link
 * @property {"connecting"|"live"|"lost"|"ended"} status
 * @property {number} heardAt local ms of the last message, at first of the page itself
 * @property {string} message why it ended
 */

/**
 * @param {Link} link
 * @param {number} now local ms
 * @returns {{level: string, text: string, stale: boolean, timer: string}}
 */
export function drawConnection(link, now) {
  const silent = now - link.heardAt;
  const timer = duration(silent / 1000);
  const stale = silent > SILENCE_MS;
  switch (link.status) {
    case "live":
      return { level: "live", text: "live", stale, timer };
    case "connecting":
      return { level: "connecting", text: "connecting", stale, timer };
    case "lost":
      return { level: "lost", text: `offline ${timer}`, stale, timer };
    default:
      return { level: "ended", text: link.message, stale, timer };
  }
}
