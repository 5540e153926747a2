/** The mark under which a board, or a tile, loses its colour. */

import { write } from "../bind.js";

export class StaleMark extends HTMLElement {
  /** @param {string} timer how long; empty: not stale */
  set timer(timer) {
    const stale = timer !== "";
    if (this.hidden === stale) this.hidden = !stale;
    if (stale) write(this.querySelector("[data-timer]"), timer);
  }
}

customElements.define("stale-mark", StaleMark);
