/**
 * A socket that stays: rules.js decides, this carries it out. It knows no domain.
 *
 * Events: `message` (detail: a message to fold, no duplicate among them), `changed` (the state of `rules` may be
 * another), `ended` (detail: { code, action, message }), where `action` is what the page must do: `login`, `reload` or
 * `stop`. To come back is this socket's own work.
 */

import { Rules } from "./rules.js";

/** The best first. */
export const PROTOCOLS = ["ms5.v1+batch", "ms5.v1"];

/** An event with a detail; CustomEvent is not in every Node that runs the tests. */
class SocketEvent extends Event {
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

export class LiveSocket extends EventTarget {
  #ws = null;
  #timer = null;

  /**
   * @param {string} url ws(s)://host/ws/production
   * @param {{subscription_type: string, target_id: string}[]} subscriptions
   * @param {object} world the edge, replaced by the tests; `now` is ms of a clock that no clock setting moves
   */
  constructor(url, subscriptions, world = {}) {
    super();
    this.url = url;
    this.world = {
      WebSocket: globalThis.WebSocket,
      random: Math.random,
      now: () => performance.now(),
      setTimeout: (call, ms) => setTimeout(call, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      ...world,
    };
    this.rules = new Rules(subscriptions, this.world.random, this.world.now());
  }

  start() {
    this.#perform(this.rules.start(this.world.now()));
  }

  stop() {
    this.#perform(this.rules.stop());
  }

  /** The page was asleep or the network is back. */
  wake() {
    this.#perform(this.rules.woke(this.world.now()));
  }

  #perform(outputs) {
    for (const output of outputs) {
      switch (output.do) {
        case "connect":
          this.#connect();
          break;
        case "drop":
          this.#leave();
          break;
        case "send":
          this.#ws.send(JSON.stringify(output.message));
          break;
        case "apply":
          this.dispatchEvent(new SocketEvent("message", output.message));
          break;
        case "ended":
          this.dispatchEvent(new SocketEvent("ended", output));
          break;
        default: // `lost` and `rewind` ask nothing of a socket; a board folds what it is given again
      }
    }
    this.#listen();
    this.dispatchEvent(new SocketEvent("changed"));
  }

  #connect() {
    this.#leave();
    const ws = new this.world.WebSocket(this.url, PROTOCOLS);
    this.#ws = ws;
    ws.onopen = () => this.#perform(this.rules.opened(this.world.now()));
    ws.onmessage = ({ data }) => this.#perform(this.rules.heard(this.world.now(), data));
    ws.onclose = ({ code }) => {
      this.#leave();
      this.#perform(this.rules.closed(this.world.now(), code));
    };
  }

  /** Wait for the rules' next moment. */
  #listen() {
    this.world.clearTimeout(this.#timer);
    this.#timer = null;
    const { deadline } = this.rules;
    if (deadline === null) return;
    this.#timer = this.world.setTimeout(() => {
      this.#perform(this.rules.tick(this.world.now()));
    }, Math.max(0, deadline - this.world.now()));
  }

  /** Let the present socket go, without waiting for a peer that may not answer. */
  #leave() {
    const ws = this.#ws;
    this.#ws = null;
    if (!ws) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    if (ws.readyState <= this.world.WebSocket.OPEN) ws.close(1000);
  }
}
