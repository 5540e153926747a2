/**
 * What the page says of its connection (pure): alive, on its way, or so silent that nothing shown can be trusted.
 */

import { duration } from "./format.js";
import { SILENCE_MS } from "./rules.js";

/**
 * @typedef {object} Link
 * @property {"connecting"|"live"|"lost"|"ended"} status
 * @property {number} heardAt local ms up to which all is known; at first that of the page itself
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
      return { level: "lost", text: `reconnecting, offline ${timer}`, stale, timer };
    default:
      return { level: "ended", text: link.message, stale, timer };
  }
}

/**
 * What is said aloud of the connection; nothing for one that comes back before anybody could miss it.
 * @param {{stale: boolean}} connection
 * @param {boolean} wasStale when it was drawn before
 * @returns {string} empty: nothing new
 */
export function spokenOf({ stale }, wasStale) {
  if (stale === wasStale) return "";
  return stale ? "12 seconds without news. What is shown is old." : "Connected again.";
}

/** Why history is missing, after "was not received:". */
const REASONS = {
  epoch: "the server began its log anew",
  ahead: "the server was restored from a backup",
  diverged: "the server was restored from a backup",
  retention: "it is older than what the server keeps",
  too_far: "too much happened meanwhile",
  anew: "the server could not send it again",
};

/**
 * What a person is told of gaps: which history did not come. A line that was taken away is no gap of theirs.
 * @param {{stream: string, reason: string}[]} gaps
 * @param {(stream: string) => string} nameOf
 * @returns {string} empty: nothing to tell
 */
export function gapNotice(gaps, nameOf) {
  const names = new Map();
  for (const { stream, reason } of gaps) {
    if (reason === "forbidden") continue;
    const why = REASONS[reason] ?? reason;
    names.set(why, [...(names.get(why) ?? []), nameOf(stream)]);
  }
  return [...names]
    .map(([why, those]) => `Some history of ${listed(those)} was not received: ${why}.`)
    .join(" ");
}

function listed(names) {
  return names.length > 3 ? "several lines" : names.join(", ");
}
