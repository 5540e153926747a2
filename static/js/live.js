/**
 * The wiring of a live page: the board the server drew, the socket that changes it, the clock, and one draw per frame.
 */

import { ServerClock } from "./clock.js";
import { drawConnection, gapNotice, spokenOf } from "./connection.js";
import { Notices } from "./notices.js";
import { reduce } from "./reduce.js";
import { LiveSocket } from "./socket.js";

const TICK_MS = 250;
const RELOAD_EVERY_MS = 60_000;

/**
 * @param {{subscription_type: string, target_id: string}[]} subscriptions
 * @param {(board: object, times: {now: number, known: number}, connection: object) => void} draw
 *   times are the server's, in ms: the present, and the moment up to which anything shown is known
 */
export function live(subscriptions, draw) {
  let board = JSON.parse(document.getElementById("board").textContent);
  const drawn = Object.keys(board.lines).sort().join();
  const names = new Map(Object.values(board.lines).map(({ code, name }) => [code, name]));
  names.set("plant", "the plant");
  const clock = new ServerClock(board.server_time);
  const link = { status: "connecting", heardAt: Date.now(), message: "" };
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new LiveSocket(`${scheme}://${location.host}/ws/production`, subscriptions);
  const { rules } = socket;
  const notices = new Notices();
  let { knownAt } = rules;
  let told = 0;
  let wasStale = false;

  let frame = 0;
  const paint = () => {
    frame = 0;
    const connection = drawConnection(link, Date.now());
    notices.say(spokenOf(connection, wasStale));
    wasStale = connection.stale;
    const now = clock.now();
    // A stale board counts no seconds that nobody has seen.
    draw(board, { now, known: connection.stale ? clock.at(link.heardAt) : now }, connection);
  };
  const soon = () => {
    frame ||= requestAnimationFrame(paint);
  };

  socket.addEventListener("message", ({ detail: message }) => {
    // The times of events are when they happened; these are when the server spoke.
    if (message.type === "heartbeat" || message.type === "connection_established") {
      clock.heard(message.timestamp);
    }
    if (message.type === "error") notices.refused(message);
    board = reduce(board, message);
  });
  socket.addEventListener("changed", () => {
    link.status = rules.status;
    // The wall clock, since the other one may stand still while the machine sleeps.
    if (rules.knownAt !== knownAt) link.heardAt = Date.now();
    ({ knownAt } = rules);
    notices.gap(gapNotice(rules.gaps.slice(told), (stream) => names.get(stream) ?? stream));
    told = rules.gaps.length;
    if (Object.keys(board.lines).sort().join() !== drawn) reloadOnce();
    soon();
  });
  socket.addEventListener("ended", ({ detail: { action, message } }) => {
    link.message = message;
    notices.say(message);
    if (action === "login") goToLogin();
    if (action === "reload") reloadOnce();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) socket.wake();
  });
  addEventListener("online", () => socket.wake());
  // A page out of the back-forward cache shows an old board: begin again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  setInterval(soon, TICK_MS);
  socket.start();
  soon();
}

function goToLogin() {
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(`${document.body.dataset.login}?next=${next}`);
}

/** Load the page anew: there is a line the page has no place for, or another protocol. Not in a loop. */
function reloadOnce() {
  const last = Number(sessionStorage.getItem("ms5.reloaded_at"));
  if (Date.now() - last < RELOAD_EVERY_MS) return;
  sessionStorage.setItem("ms5.reloaded_at", String(Date.now()));
  location.reload();
}
