/**
 * When and whether a page comes back (pure).
 */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const OVERLOAD_PAUSE_MS = 10_000;
const FLOOD_PAUSE_MS = 60_000;

/**
 * Full jitter: anything from nothing to a ceiling that doubles, so that a plant full of boards does not come back
 * in step.
 * @param {number} attempt from 0
 * @param {() => number} random in [0, 1)
 * @returns {number} ms
 */
export function backOff(attempt, random) {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}

/**
 * @typedef {object} Next what a close means; `least` ms are added to the jitter
 * @property {"reconnect"|"login"|"reload"|"stop"} action `reconnect` is the socket's, the others are the page's
 * @property {string} message
 * @property {number} least
 */

const NEXT = new Map([
  [4401, { action: "login", message: "You are signed out.", least: 0 }],
  [4403, { action: "stop", message: "This account is disabled.", least: 0 }],
  [4406, { action: "reload", message: "The server speaks a newer version.", least: 0 }],
  [4408, { action: "reconnect", message: "Not signed in in time.", least: 0 }],
  [4429, { action: "reconnect", message: "Too many messages.", least: FLOOD_PAUSE_MS }],
  [4503, { action: "reconnect", message: "The server is overloaded.", least: OVERLOAD_PAUSE_MS }],
]);
const NOT_TAKEN = new Set([1003, 1007, 1009]);

/**
 * What to do after a close.
 * @param {number} code
 * @param {number} timesRefused how often the server has closed with 4408 in a row, this one included
 * @returns {Next}
 */
export function afterClose(code, timesRefused = 0) {
  if (code === 4408 && timesRefused > 1) {
    return { action: "stop", message: "The server did not accept the sign-in in time.", least: 0 };
  }
  if (NOT_TAKEN.has(code)) {
    return { action: "stop", message: `The server refused what this page sent (${code}).`, least: 0 };
  }
  if (!NEXT.has(code) && code >= 4400 && code < 4500) {
    return { action: "stop", message: `The server refused this page (${code}).`, least: 0 };
  }
  return NEXT.get(code) ?? { action: "reconnect", message: "Connection lost.", least: 0 };
}
