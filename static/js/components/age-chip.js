/** How old something is, in a chip: plain while all is well, amber when late. */

import { mark, write } from "../bind.js";

export class AgeChip extends HTMLElement {
  /** @param {{level: string, text: string}} fresh */
  set fresh({ level, text }) {
    mark(this, "data-level", level);
    write(this.querySelector("[data-text]"), text);
  }
}

customElements.define("age-chip", AgeChip);
