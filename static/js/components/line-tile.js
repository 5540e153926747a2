/** A line on the plant overview. */

import { fill, mark } from "../bind.js";

export class LineTile extends HTMLElement {
  /** @param {object} drawing of drawLine() */
  set drawing(drawing) {
    fill(this, drawing);
    mark(this, "data-state", drawing.state);
    mark(this, "data-fresh", drawing.fresh.level);
    mark(this, "data-side", drawing.side);
    this.querySelector("age-chip").fresh = drawing.fresh;
    this.querySelector("stale-mark").timer =
      drawing.fresh.level === "stale" ? drawing.fresh.timer : "";
    this.querySelector("machine-strip").rows = drawing.machines;
  }
}

customElements.define("line-tile", LineTile);
