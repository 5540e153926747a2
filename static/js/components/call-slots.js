/** The five call buttons of a line; a button whose category has an open call is that call. */

import { mark, write } from "../bind.js";
import { paintCall } from "./call-list.js";

const CALL_MARKS = ["data-key", "data-status", "data-priority", "data-overdue", "data-mine", "data-again", "data-resting"];

export class CallSlots extends HTMLElement {
  /** @param {object[]} slots of drawSlots() */
  set slots(slots) {
    for (const { category, call, more } of slots) {
      const slot = this.querySelector(`.slot[data-category="${category}"]`);
      mark(slot, "data-empty", call === null);
      if (call === null) {
        for (const name of CALL_MARKS) mark(slot, name, null);
        continue;
      }
      const now = slot.querySelector(".now");
      paintCall(now, call);
      for (const name of CALL_MARKS) mark(slot, name, now.getAttribute(name));
      mark(slot, "data-key", call.id);
      write(slot.querySelector("[data-more]"), more);
    }
  }
}

customElements.define("call-slots", CallSlots);
