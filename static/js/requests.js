/**
 * What a client has asked and not been answered yet; the server answers in the order it was asked (pure).
 */

import { backOff } from "./backoff.js";

export const WISHES_PER_MESSAGE = 50;
const MOST_TRIES = 5;

/**
 * @typedef {object} Request a `subscribe` whose `wishes` are still open, or a `resume`
 * @property {"subscribe"|"resume"} kind
 * @property {{subscription_type: string, target_id: string}[]} wishes
 * @property {number} tries how often it was made before
 * @property {boolean} [resumed] whether `resumed` came: only the replay and `live` are still to come
 */

export class Requests {
  /** Under way, by id. */
  open = new Map();
  /** Put off: { at, request }. */
  later = [];

  /** @param {() => number} random in [0, 1) */
  constructor(random) {
    this.random = random;
  }

  /** Whether everything that was asked is answered. */
  get done() {
    return this.open.size === 0 && this.later.length === 0;
  }

  /** Whether a `resume` waits for its answer, its replay or its next try. */
  get resuming() {
    const waiting = [...this.open.values(), ...this.later.map(({ request }) => request)];
    return waiting.some(({ kind }) => kind === "resume");
  }

  /** Forget all: the connection they were made on is gone. */
  clear() {
    this.open.clear();
    this.later = [];
  }

  /** The id of the request that an error answers, or null; an error without id answers the oldest. */
  refusedBy(error) {
    if (error.id !== undefined) return this.open.has(error.id) ? error.id : null;
    if (this.open.size === 0 || error.subscription_type !== undefined) return null;
    return this.open.keys().next().value;
  }

  /** Make the request again later; false when it was made often enough. */
  putOff({ kind, wishes, tries }, now, least) {
    if (tries >= MOST_TRIES) return false;
    const at = now + least + backOff(tries, this.random);
    this.later.push({ at, request: { kind, wishes, tries: tries + 1 } });
    return true;
  }

  /** Those whose time has come; they are put off no more. */
  due(now) {
    const due = this.later.filter(({ at }) => at <= now);
    this.later = this.later.filter(({ at }) => at > now);
    return due.map(({ request }) => request);
  }
}
