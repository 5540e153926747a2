/** The last calls that ended, and whether more come than people can answer; drawn by the server. */

import { FetchedPart } from "./fetched-part.js";

export class AndonRecent extends FetchedPart {
  #seen = null;

  /** @param {object[]} rail the open calls; others, or another status, and there is something new to show */
  set rail(rail) {
    const seen = rail.map(({ id, status }) => `${id} ${status}`).join();
    if (this.#seen !== null && seen !== this.#seen) this.soon();
    this.#seen = seen;
  }
}

customElements.define("andon-recent", AndonRecent);
