/**
 * The rules of a client that is never silently incomplete: subscribe, resume, check, come back (pure).
 *
 * Told what happens and when (ms of any clock that only rises), the methods return what to do, in order; `deadline`
 * is the moment at which `tick` must be called if nothing happens before. The twin in Python is tests/live/rules.py;
 * tests/contract/client_*.json hold both to the same answers.
 */

import { afterClose, backOff } from "./backoff.js";
import { Points } from "./points.js";
import { Requests, WISHES_PER_MESSAGE } from "./requests.js";

/**
 * @typedef {{do: "connect"} | {do: "drop"} | {do: "send", message: object} | {do: "apply", message: object}
 *   | {do: "rewind", positions: Object<string, number>} | {do: "lost", code: number, message: string, delay: number}
 *   | {do: "ended", code: number, action: string, message: string}} Output
 */

export const SILENCE_MS = 12_000;
/** How long an answer to a ping may take after the page slept. */
export const PROBE_MS = 3_000;
/** Facts that a server replays if it does not say how many, what it takes as one frame, and streams it lets a resume name. */
const RESUME_EVENTS = 2_000;
const FRAME_BYTES = 16_384;
const POSITIONS = 64;
const NO_CLOSE = 1006;

export class Rules {
  /** @type {"connecting"|"live"|"lost"|"ended"} */
  status = "connecting";
  open = false;
  attempt = 0;
  epoch = null;
  /** What was announced as missing: { stream, after, to, reason }. */
  gaps = [];
  duplicates = 0;
  resumes = 0;
  incomplete = 0;

  #wishes;
  #random;
  #requests;
  #points = new Points();
  #before = new Map();
  #settled = [];
  #received = new Map();
  #replayed = new Map();
  #lastId = 0;
  #refused = 0;
  #here = null;
  #far = RESUME_EVENTS / 2;
  #frameBytes = FRAME_BYTES;
  #mostPositions = POSITIONS;
  #silentAt = null;
  #retryAt = null;

  /**
   * @param {{subscription_type: string, target_id: string}[]} subscriptions
   * @param {() => number} random in [0, 1)
   * @param {number} now ms; what is shown at the beginning is as old as that
   */
  constructor(subscriptions, random, now) {
    this.#wishes = subscriptions;
    this.#random = random;
    this.#requests = new Requests(random);
    /** Up to when everything is known. */
    this.knownAt = now;
  }

  /** How far each stream was applied, as `resume` would say it now. */
  get positions() {
    return this.#points.public();
  }

  /** When `tick` is due; null when there is nothing to wait for. */
  get deadline() {
    const later = this.#requests.later.map(({ at }) => at);
    const due = [this.#silentAt, this.#retryAt, ...later].filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** @returns {Output[]} */
  start(now) {
    return this.#connect(now);
  }

  /** The socket is open: go on where it was left, or begin. */
  opened(now) {
    this.open = true;
    this.#silentAt = now + SILENCE_MS;
    if (this.epoch !== null && this.#points.applied.size > 0 && this.#settled.length > 0) {
      const resume = this.#resume({ kind: "resume", wishes: [...this.#settled], tries: 0 });
      if (resume) {
        const fresh = this.#wishes.filter((wish) => !this.#settled.includes(wish));
        return [resume, ...this.#subscribe(fresh)];
      }
    }
    return this.#anew();
  }

  /** A text frame came: one message, or an array of them. */
  heard(now, text) {
    this.#silentAt = now + SILENCE_MS;
    const outputs = [];
    for (const message of [JSON.parse(text)].flat()) {
      outputs.push(...this.#take(now, message));
      if (!this.open) break;
    }
    if (this.status === "live") this.knownAt = now;
    return outputs;
  }

  /** The socket was closed, or could not be opened (1006). */
  closed(now, code) {
    if (code === 4408) this.#refused += 1;
    return this.#comeBack(now, code);
  }

  /** The deadline has come. */
  tick(now) {
    if (this.#retryAt !== null && now >= this.#retryAt) return this.#connect(now);
    if (this.#silentAt !== null && now >= this.#silentAt) {
      return [{ do: "drop" }, ...this.#comeBack(now, NO_CLOSE)];
    }
    return this.#requests.due(now).flatMap((request) => this.#again(request));
  }

  /** The page slept, or the network is back: prove the connection, or make a new one. */
  woke(now) {
    if (this.open) {
      this.#silentAt = now + PROBE_MS;
      return [{ do: "send", message: { type: "ping", t: "wake" } }];
    }
    return this.#retryAt === null ? [] : this.#connect(now);
  }

  /** Leave for good. */
  stop() {
    this.open = false;
    this.#silentAt = this.#retryAt = null;
    this.#requests.clear();
    this.status = "ended";
    return [{ do: "drop" }];
  }

  #connect(now) {
    this.#retryAt = null;
    this.#silentAt = now + SILENCE_MS;
    return [{ do: "connect" }];
  }

  #comeBack(now, code) {
    const { action, message, least } = afterClose(code, this.#refused);
    this.open = false;
    this.#silentAt = null;
    this.#requests.clear();
    this.#received.clear();
    this.#here = null;
    if (action !== "reconnect") {
      this.#retryAt = null;
      this.status = "ended";
      return [{ do: "ended", code, action, message }];
    }
    const delay = least + backOff(this.attempt, this.#random);
    this.attempt += 1;
    this.#retryAt = now + delay;
    this.status = "lost";
    return [{ do: "lost", code, message, delay }];
  }

  #take(now, message) {
    switch (message.type) {
      case "connection_established":
        this.#here = message.epoch;
        this.#far = (message.limits.resume_events || RESUME_EVENTS) / 2;
        this.#frameBytes = message.limits.frame_bytes;
        this.#mostPositions = message.limits.positions ?? POSITIONS;
        this.epoch ??= message.epoch;
        this.status = "connecting";
        this.#settleDown();
        break;
      case "snapshot":
        this.#snapshot(message);
        break;
      case "resumed":
        this.#resumed(message);
        break;
      case "live":
        if (!this.#replayIsWhole()) return this.#beginAgain(now);
        this.#requests.open.delete(message.id);
        this.#settleDown();
        break;
      case "heartbeat":
        if (message.facts_sent !== total(this.#received)) return this.#beginAgain(now);
        // Only a heartbeat shows that the server means to keep us; one that accepts and closes is not pestered.
        this.attempt = this.#refused = 0;
        if (!this.#requests.resuming) this.#points.heartbeat(message.positions, this.#far);
        break;
      case "error":
        return [{ do: "apply", message }, ...this.#error(now, message)];
      default:
        if (message.seq !== undefined && !this.#fact(message)) return [];
    }
    return [{ do: "apply", message }];
  }

  #fact(message) {
    this.#received.set(message.stream, (this.#received.get(message.stream) ?? 0) + 1);
    const fresh = this.#points.fact(message);
    if (!fresh) this.duplicates += 1;
    return fresh;
  }

  #snapshot(message) {
    this.#points.snapshot(message.positions);
    if (isWhole(message)) this.#points.keepOnly(message.positions);
    for (const [stream, seq] of Object.entries(message.positions)) {
      const before = this.#before.get(stream);
      this.#before.delete(stream);
      if (before && before.seq !== seq) {
        const to = seq > before.seq ? seq : null;
        this.gaps.push({ stream, after: before.seq, to, reason: "anew" });
      }
    }
    const request = this.#requests.open.get(message.id);
    if (request?.kind === "subscribe") {
      this.#settled.push(request.wishes.shift());
      this.#settleDown();
    }
  }

  #resumed({ id, epoch, streams }) {
    const request = this.#requests.open.get(id);
    if (request) request.resumed = true;
    this.epoch = epoch;
    this.resumes += 1;
    this.#replayed.clear();
    for (const [stream, { recovered, count, reason, missing }] of Object.entries(streams)) {
      if (recovered) {
        this.#replayed.set(stream, count);
        continue;
      }
      const known = this.#points.applied.get(stream);
      this.#points.forget(stream);
      // What was never held is not missing: its snapshot is the beginning.
      if (known) {
        const { after, to } = missing ?? { after: known.seq, to: null };
        this.gaps.push({ stream, after, to, reason });
      }
    }
  }

  #replayIsWhole() {
    return [...this.#replayed].every(([stream, count]) => (this.#received.get(stream) ?? 0) >= count);
  }

  /** Something was sent that never came: take back what is not proven, and have it sent again. */
  #beginAgain(now) {
    this.incomplete += 1;
    const back = { do: "rewind", positions: this.#points.rewind() };
    return [back, { do: "drop" }, ...this.#comeBack(now, NO_CLOSE)];
  }

  #error(now, error) {
    const id = this.#requests.refusedBy(error);
    const request = this.#requests.open.get(id);
    if (!request || request.resumed) {
      this.#revoked(error);
      return [];
    }
    let failed = request.wishes;
    if (request.kind === "subscribe" && error.subscription_type !== undefined) {
      failed = [request.wishes.shift()];
    } else {
      request.wishes = [];
    }
    if (request.wishes.length === 0) this.#requests.open.delete(id);
    if (error.retryable) {
      const again = { kind: request.kind, wishes: failed, tries: request.tries };
      if (this.#requests.putOff(again, now, error.retry_after_ms ?? 0)) return [];
      return [{ do: "drop" }, ...this.#comeBack(now, NO_CLOSE)];
    }
    if (request.kind === "resume") return this.#anew();
    this.#settleDown();
    return [];
  }

  #revoked({ subscription_type: type, target_id: target }) {
    this.#settled = this.#settled.filter(
      (wish) => wish.subscription_type !== type || wish.target_id !== target,
    );
  }

  #again(request) {
    if (request.kind === "subscribe") return this.#subscribe(request.wishes, request.tries);
    const resume = this.#resume(request);
    return resume ? [resume] : this.#anew();
  }

  /** The message, or null if it were larger than the server takes. */
  #resume(request) {
    const message = {
      type: "resume",
      id: this.#lastId + 1,
      epoch: this.epoch,
      positions: this.#points.public(),
      subscriptions: request.wishes,
    };
    const tooLarge = JSON.stringify(message).length > this.#frameBytes;
    if (tooLarge || this.#points.applied.size > this.#mostPositions) return null;
    this.#lastId += 1;
    this.#requests.open.set(this.#lastId, request);
    return { do: "send", message };
  }

  /** Subscribe from a snapshot on; where a position is passed over by it, that is a gap. */
  #anew() {
    for (const [stream, point] of this.#points.applied) this.#before.set(stream, point);
    this.#points.forgetAll();
    this.#settled = [];
    this.epoch = this.#here;
    return this.#subscribe(this.#wishes);
  }

  #subscribe(wishes, tries = 0) {
    const outputs = [];
    for (let start = 0; start < wishes.length; start += WISHES_PER_MESSAGE) {
      const some = wishes.slice(start, start + WISHES_PER_MESSAGE);
      this.#lastId += 1;
      this.#requests.open.set(this.#lastId, { kind: "subscribe", wishes: [...some], tries });
      outputs.push({ do: "send", message: { type: "subscribe", id: this.#lastId, subscriptions: some } });
    }
    return outputs;
  }

  /** Be live once everything that was asked for is here. */
  #settleDown() {
    for (const [id, { wishes }] of this.#requests.open) {
      if (wishes.length === 0) this.#requests.open.delete(id);
    }
    if (this.#requests.done) this.status = "live";
  }
}

/** Whether a line that the snapshot does not name is not there any more, or not for us. */
export function isWhole({ subscription_type: type, target_id: target, partial }) {
  return type === "line" && target === "all" && !partial;
}

function total(counts) {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
