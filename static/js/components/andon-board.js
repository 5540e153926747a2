/** The three columns of open calls, or for how long there was none. */

import { mark, write } from "../bind.js";
import { duration } from "../format.js";

export class AndonBoard extends HTMLElement {
  /**
   * @param {object} calls of drawCalls()
   * @param {number} now server time in ms up to which anything is known
   */
  draw(calls, now) {
    for (const column of ["waiting", "coming", "there"]) {
      const section = this.querySelector(`[data-column="${column}"]`);
      section.querySelector("call-list").rows = calls[column];
      mark(section, "data-density", densityOf(calls[column].length));
      write(section.querySelector("[data-count]"), calls[column].length);
    }
    mark(this, "data-empty", calls.rail.length === 0);
    const since = this.querySelector("[data-quiet-since]")?.dataset.quietSince;
    const quiet = since ? `: ${minutes((now - Date.parse(since)) / 1000)}` : "";
    write(this.querySelector("[data-quiet]"), `No open calls${quiet}`);
  }
}

/** How many cards stand above each other, by which they are larger or smaller. */
function densityOf(count) {
  if (count <= 2) return "few";
  return count <= 5 ? "some" : "many";
}

/** The server's own words for how long no call was open: whole minutes are enough. */
function minutes(seconds) {
  if (seconds < 60) return "less than a minute";
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : duration(seconds);
}

customElements.define("andon-board", AndonBoard);
