/** What the line is at: job, changeover, downtime, OEE. */

import { fill, mark } from "../bind.js";

export class WorkStrip extends HTMLElement {
  /** @param {object} work of drawWork() */
  set work({ job, changeover, downtime, oee }) {
    this.#show("job", job, job.number === "");
    this.#show("changeover", changeover, changeover.timer === "");
    this.#show("downtime", downtime, downtime.timer === "");
    this.#show("oee", oee, oee.oee === "");
    mark(this.querySelector(".job"), "data-late", job.late ? "yes" : "no");
    mark(this.querySelector(".changeover"), "data-over", changeover.over ? "yes" : "no");
    mark(this.querySelector(".downtime"), "data-asked", downtime.asked ? "yes" : "no");
    const bar = this.querySelector(".job .meter");
    mark(bar, "hidden", job.share === null);
    mark(bar.querySelector("[data-bar]"), "width", job.share ?? 0);
  }

  #show(name, part, isEmpty) {
    const section = this.querySelector(`.${name}`);
    fill(section, part);
    mark(section, "data-empty", isEmpty);
  }
}

customElements.define("work-strip", WorkStrip);
