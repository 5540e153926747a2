/** The open faults of a line, oldest first. */

import { fill, mark } from "../bind.js";
import { KeyedList } from "./keyed-list.js";

export class FaultList extends KeyedList {
  keyOf(fault) {
    return fault.id;
  }

  paint(element, fault) {
    fill(element, fault);
    mark(element, "data-severity", fault.severity);
    mark(element, "data-first", fault.first !== "");
  }

  set rows(rows) {
    super.rows = rows;
    this.querySelector("[data-none]").hidden = rows.length > 0;
  }
}

customElements.define("fault-list", FaultList);
