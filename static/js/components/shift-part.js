/** Hour by hour and the ribbon of states, drawn by the server. */

import { FetchedPart } from "./fetched-part.js";

export class ShiftPart extends FetchedPart {
  #items = null;

  /** @param {object} line of the board; a board is never changed, so other items are other facts */
  set line({ items }) {
    if (this.#items !== null && items !== this.#items) this.soon();
    this.#items = items;
  }
}

customElements.define("shift-part", ShiftPart);
