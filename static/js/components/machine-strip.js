/** The machines of a line in flow order. */

import { fill, mark } from "../bind.js";
import { KeyedList } from "./keyed-list.js";

export class MachineStrip extends KeyedList {
  keyOf(machine) {
    return machine.code;
  }

  paint(element, machine) {
    fill(element, machine);
    mark(element, "data-state", machine.state);
    mark(element, "data-lead", machine.lead);
    mark(element, "data-constraint", machine.constraint);
  }
}

customElements.define("machine-strip", MachineStrip);
