/** The board of one line. */

import { fill, mark } from "../bind.js";

export class LineBoard extends HTMLElement {
  /** @param {object} drawing of drawLine() */
  set drawing(drawing) {
    fill(this, drawing);
    mark(this, "data-state", drawing.state);
    mark(this, "data-fresh", drawing.fresh.level);
    mark(this, "data-side", drawing.side);
    mark(this, "data-trend", drawing.trend);
    this.querySelector("age-chip").fresh = drawing.fresh;
    this.querySelector("speed-bar").share = drawing.share;
    this.querySelector("machine-strip").rows = drawing.machines;
    this.querySelector("fault-list").rows = drawing.faults;
    this.querySelector("plc-list").rows = drawing.plcs;
  }
}

customElements.define("line-board", LineBoard);
