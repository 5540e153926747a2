/**
 * A socket that stays: it subscribes, notices silence, and comes back. It knows no domain.
 *
 * Events: `open` (subscribed anew), `message` (detail: the object), `silent` (nothing for 12 s), `closed`
 * (detail: { code, action, message, delay }), where `action` is what the page must do: `reconnect` happens here,
 * `login`, `reload` and `stop` are the page's.
 */

export const PROTOCOL = "ms5.v1";
export const SILENCE_MS = 12_000;
/** How long an answer to a ping may take after the page slept. */
export const PROBE_MS = 3_000;
const BACK_OFF_MS = { first: 500, longest: 30_000 };
const FLOOD_PAUSE_MS = 60_000;

/** An event with a detail; CustomEvent is not in every Node that runs the tests. */
class SocketEvent extends Event {
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

/**
 * Full jitter: anything from nothing to a ceiling that doubles, so that a plant full of boards does not come back
 * in step.
 * @param {number} attempt from 0
 * @param {() => number} random in [0, 1)
 */
export function backOff(attempt, random = Math.random) {
  return random() * Math.min(BACK_OFF_MS.longest, BACK_OFF_MS.first * 2 ** Math.min(attempt, 16));
}

/**
 * What to do after a close.
 * @param {number} code
 * @param {number} timesRefused how often the server has closed with 4408 in a row, this one included
 * @returns {{action: "reconnect"|"login"|"reload"|"stop", message: string, least?: number}}
 */
export function afterClose(code, timesRefused = 0) {
  switch (code) {
    case 4401:
      return { action: "login", message: "You are signed out." };
    case 4403:
      return { action: "stop", message: "This account is disabled." };
    case 4406:
      return { action: "reload", message: "The server speaks a newer version." };
    case 4408:
      return timesRefused > 1
        ? { action: "stop", message: "The server did not accept the sign-in in time." }
        : { action: "reconnect", message: "Not signed in in time." };
    case 4429:
      return { action: "reconnect", message: "Too many messages.", least: FLOOD_PAUSE_MS };
    case 1003:
    case 1007:
    case 1009:
      return { action: "stop", message: `The server refused what this page sent (${code}).` };
    default:
      return code >= 4400 && code < 4500
        ? { action: "stop", message: `The server refused this page (${code}).` }
        : { action: "reconnect", message: "Connection lost." };
  }
}

export class LiveSocket extends EventTarget {
  #ws = null;
  #attempt = 0;
  #refused = 0;
  #watch = null;
  #retry = null;
  #running = false;

  /**
   * @param {string} url ws(s)://host/ws/production
   * @param {{subscription_type: string, target_id: string}[]} subscriptions
   * @param {object} world the edge, replaced by the tests
   */
  constructor(url, subscriptions, world = {}) {
    super();
    this.url = url;
    this.subscriptions = subscriptions;
    this.world = {
      WebSocket: globalThis.WebSocket,
      random: Math.random,
      setTimeout: (call, ms) => setTimeout(call, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      ...world,
    };
  }

  start() {
    this.#running = true;
    this.#connect();
  }

  stop() {
    this.#running = false;
    this.world.clearTimeout(this.#retry);
    this.#leave(1000);
  }

  /** The page was asleep or the network is back: prove the connection now, or make a new one. */
  wake() {
    if (!this.#running) return;
    if (this.#ws?.readyState === this.world.WebSocket.OPEN) {
      this.#send({ type: "ping", t: "wake" });
      this.#listen(PROBE_MS);
    } else if (this.#retry !== null) {
      this.#connect();
    }
  }

  #connect() {
    this.world.clearTimeout(this.#retry);
    this.#retry = null;
    this.#leave(1000);
    const ws = new this.world.WebSocket(this.url, [PROTOCOL]);
    this.#ws = ws;
    ws.onopen = () => this.#opened();
    ws.onmessage = (frame) => this.#heard(frame.data);
    ws.onclose = (close) => this.#closed(close.code);
    this.#listen(SILENCE_MS);
  }

  #opened() {
    this.subscriptions.forEach((subscription, number) =>
      this.#send({ type: "subscribe", id: number + 1, ...subscription }),
    );
    this.dispatchEvent(new SocketEvent("open"));
  }

  #heard(text) {
    this.#listen(SILENCE_MS);
    const message = JSON.parse(text);
    // Only a heartbeat shows that the server means to keep us; one that accepts and closes is not pestered.
    if (message.type === "heartbeat") this.#attempt = this.#refused = 0;
    this.dispatchEvent(new SocketEvent("message", message));
  }

  #closed(code) {
    this.#leave(1000);
    this.#refused = code === 4408 ? this.#refused + 1 : this.#refused;
    const next = afterClose(code, this.#refused);
    if (next.action !== "reconnect") this.#running = false;
    this.#comeBack(code, next);
  }

  #silent() {
    this.#leave(1000);
    this.dispatchEvent(new SocketEvent("silent"));
    this.#comeBack(1006, afterClose(1006));
  }

  #comeBack(code, { action, message, least = 0 }) {
    const delay = least + backOff(this.#attempt, this.world.random);
    if (this.#running) {
      this.#attempt += 1;
      this.#retry = this.world.setTimeout(() => this.#connect(), delay);
    }
    this.dispatchEvent(new SocketEvent("closed", { code, action, message, delay }));
  }

  #send(message) {
    this.#ws.send(JSON.stringify(message));
  }

  /** Wait this long for anything at all. The timer is the browser's own, which no clock setting moves. */
  #listen(ms) {
    this.world.clearTimeout(this.#watch);
    this.#watch = this.world.setTimeout(() => this.#silent(), ms);
  }

  /** Let the present socket go, without waiting for a peer that may not answer. */
  #leave(code) {
    this.world.clearTimeout(this.#watch);
    const ws = this.#ws;
    this.#ws = null;
    if (!ws) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    if (ws.readyState <= this.world.WebSocket.OPEN) ws.close(code);
  }
}
