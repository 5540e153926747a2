/** The controllers that serve a line, and whether they answer. */

import { fill, mark } from "../bind.js";
import { KeyedList } from "./keyed-list.js";

export class PlcList extends KeyedList {
  keyOf(plc) {
    return plc.plc;
  }

  paint(element, plc) {
    fill(element, plc);
    mark(element, "data-status", plc.status);
  }

  set rows(rows) {
    super.rows = rows;
    this.querySelector("[data-none]").hidden = rows.length > 0;
  }
}

customElements.define("plc-list", PlcList);
