/** The wall clock of the plant, by the server's time. */

import { write } from "../bind.js";
import { wallClock } from "../clock.js";

export class ServerClockFace extends HTMLElement {
  /** @param {number} at server time in ms */
  set now(at) {
    write(this.querySelector("time"), wallClock(at, this.dataset.timeZone));
  }
}

customElements.define("server-clock", ServerClockFace);
