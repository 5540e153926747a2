/** Calls, one card or row each. */

import { fill, mark } from "../bind.js";
import { KeyedList } from "./keyed-list.js";

export function paintCall(element, call) {
  fill(element, call);
  mark(element, "data-category", call.category);
  mark(element, "data-priority", call.priority);
  mark(element, "data-status", call.status);
  mark(element, "data-overdue", call.overdue);
  mark(element, "data-again", call.again);
  mark(element, "data-resting", call.resting);
  mark(element, "data-mine", String(call.raised_by_id) === document.body.dataset.user);
}

export class CallList extends KeyedList {
  keyOf(call) {
    return call.id;
  }

  paint(element, call) {
    paintCall(element, call);
  }

  set rows(rows) {
    super.rows = rows;
    mark(this, "data-count", rows.length);
    const none = this.querySelector("[data-none]");
    if (none && none.hidden !== rows.length > 0) none.hidden = rows.length > 0;
  }
}

customElements.define("call-list", CallList);
