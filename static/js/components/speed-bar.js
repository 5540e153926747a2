/** Speed against its target: a bar with a tick, no dial. Widths are attributes of SVG, in per cent of the target. */

import { mark } from "../bind.js";

export class SpeedBar extends HTMLElement {
  /** @param {number | null} share */
  set share(share) {
    if (this.hidden !== (share === null)) this.hidden = share === null;
    mark(this.querySelector("[data-bar]"), "width", share ?? 0);
  }
}

customElements.define("speed-bar", SpeedBar);
