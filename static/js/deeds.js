/**
 * What a person does to a call, sent once: a key for each deed, and a sentence for what was refused.
 */

import { age } from "./format.js";

/** The deed as the past tells it, with the fields that say who and when. */
const DONE = [
  ["cancelled", "cancelled it", "cancelled_by", "cancelled_at"],
  ["resolved", "resolved it", "resolved_by", "resolved_at"],
  ["arrived", "arrived", "arrived_by", "arrived_at"],
  ["acknowledged", "acknowledged", "acknowledged_by", "acknowledged_at"],
];

/**
 * What a person is told of a deed that was not done (pure).
 * @param {number} status of the answer
 * @param {object} body of the answer: a problem, with the present call where that stands against it
 * @param {number} now server time in ms
 */
export function refusal(status, body, now) {
  const done = DONE.find(([word]) => body?.present?.status === word);
  if (status === 409 && done) {
    const [, verb, by, at] = done;
    const { [by]: who, [at]: when } = body.present;
    if (when) return `${who ?? "Somebody"} ${verb} ${age(Math.max(0, now - Date.parse(when)) / 1000)} ago.`;
  }
  if (typeof body?.detail === "string") return body.detail;
  return `It was not done (the server answered ${status}).`;
}

/** A key that no other deed has; without `randomUUID`, which pages over plain HTTP do not have. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Deeds {
  /** Under way, or sent without an answer: asked again they are the same deed. */
  #keys = new Map();
  #busy = new Set();

  /**
   * @param {string} token of CSRF
   * @param {typeof fetch} send a parameter for the tests
   */
  constructor(token, send = (...request) => fetch(...request)) {
    this.token = token;
    this.send = send;
  }

  /**
   * Do it once. A second press while the first is under way does nothing.
   * @returns {Promise<{ok: boolean, status: number, body: object | null} | null>} null: it is under way already;
   *   status 0: nobody answered, and the next try is the same deed
   */
  async post(path, said) {
    const body = JSON.stringify(said);
    const deed = `${path} ${body}`;
    if (this.#busy.has(deed)) return null;
    this.#busy.add(deed);
    if (!this.#keys.has(deed)) this.#keys.set(deed, newKey());
    try {
      const answer = await this.send(path, {
        method: "POST",
        headers: {
          Accept: "application/json",
          "Content-Type": "application/json",
          "X-CSRFToken": this.token,
          "Idempotency-Key": this.#keys.get(deed),
        },
        body,
        signal: AbortSignal.timeout(15_000),
      });
      if (answer.status < 500) this.#keys.delete(deed);
      return { ok: answer.ok, status: answer.status, body: await answer.json().catch(() => null) };
    } catch {
      return { ok: false, status: 0, body: null }; // told by the page: nobody answered
    } finally {
      this.#busy.delete(deed);
    }
  }
}
