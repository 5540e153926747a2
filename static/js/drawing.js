/**
 * What a board shows of a line, as words and figures ready to print (pure).
 *
 * The twin of realtime/drawing.py, which draws the page before any script runs; tests/contract/drawing/lines.json holds
 * both to the same words.
 */

import { duration, percent, tenth, whole } from "./format.js";
import { freshnessOf } from "./freshness.js";

/** The word of each state; its shape and colour are the style sheet's, by `data-state`. */
export const WORDS = {
  running: "RUN",
  faulted: "FAULT",
  stopped: "STOP",
  idle: "IDLE",
  starved: "STARVED",
  blocked: "BLOCKED",
  setup: "SETUP",
  planned: "PLANNED",
  no_data: "NO DATA",
};

const LINKS = { connected: "OK", lost: "LOST", disabled: "OFF" };

/**
 * @param {object} line of the board
 * @param {number} now server time in ms, by which data age
 * @param {number} known server time up to which the board was heard of, by which states last
 * @returns {object} the drawing of the line
 */
export function drawLine(line, now, known = now) {
  const states = dataOf(line, "equipment_state");
  const faults = dataOf(line, "equipment_fault").sort(byRise);
  const update = Object.values(line.gauges).find((value) => value.type === "production_update")?.data;
  const units = update?.equipment ?? [];
  const lead = leadOf(units, states, faults);
  const machines = units.map((unit) => drawMachine(unit, states, update, lead, known));
  const names = new Map(units.map((unit) => [unit.equipment_code, unit.name]));
  const constraint = machines.find((machine) => machine.constraint);
  const share = shareOf(update?.speed, update?.target_speed);
  return {
    code: line.code,
    state: constraint?.state ?? "no_data",
    word: constraint?.word ?? WORDS.no_data,
    timer: constraint?.timer ?? "",
    reason: constraint?.reason ?? "",
    actual: whole(update?.good),
    reject: whole(update?.reject),
    target: whole(update?.target),
    percent: percent(update?.efficiency),
    ...deltaOf(update),
    downtime: duration(update?.downtime_s),
    why: update?.why ?? "",
    product: update?.product ?? "",
    speed: tenth(update?.speed),
    target_speed: tenth(update?.target_speed),
    share,
    rate: tenth(update?.rate),
    ...trendOf(update),
    machines,
    faults: faults.map((fault) => drawFault(fault, names, known)),
    plcs: dataOf(line, "plc_status").sort(byCode).map((plc) => drawPlc(plc, known)),
    fresh: freshnessOf(line.freshness, now),
  };
}

function dataOf(line, type) {
  return line.items.filter((item) => item.type === type).map((item) => item.data);
}

function byRise(one, other) {
  return Date.parse(one.raised_at) - Date.parse(other.raised_at) || one.id - other.id;
}

function byCode(one, other) {
  return one.plc < other.plc ? -1 : 1;
}

function since(at, now) {
  return at ? duration((now - Date.parse(at)) / 1000) : "";
}

/** The fact of a unit, or what the gauge says of it: a fact says a state sooner than the next gauge does. */
function factOf(unit, states) {
  return states.find((state) => state.equipment_code === unit.equipment_code) ?? unit;
}

/** A plan explains a stop. */
function stateOf(unit, states) {
  const { state } = factOf(unit, states);
  const planned = unit.planned_stop !== null && state !== "running" && state !== "no_data";
  return planned ? "planned" : state;
}

function drawMachine(unit, states, update, lead, now) {
  const fact = factOf(unit, states);
  const state = stateOf(unit, states);
  return {
    code: unit.equipment_code,
    name: unit.name,
    state,
    word: WORDS[state],
    timer: since(fact.since, now),
    reason: (state === "planned" ? unit.planned_stop : fact.reason) ?? "",
    constraint: unit.equipment_code === update.constraint,
    lead: unit.equipment_code === lead,
    speed: tenth(unit.speed),
  };
}

/** The first-out machine: of those in fault, the one whose stop began first. Only it is red. */
function leadOf(units, states, faults) {
  let lead = null;
  let earliest = Infinity;
  for (const unit of units) {
    const { since: entered } = factOf(unit, states);
    if (stateOf(unit, states) !== "faulted" || !entered) continue;
    const first = faults.find(
      (fault) => fault.first_out && fault.equipment_code === unit.equipment_code,
    );
    const began = Date.parse(first?.raised_at ?? entered);
    if (began < earliest) [lead, earliest] = [unit.equipment_code, began];
  }
  return lead;
}

function drawFault(fault, names, now) {
  return {
    id: fault.id,
    name: names.get(fault.equipment_code) ?? fault.equipment_code,
    text: fault.text,
    code: fault.code,
    severity: fault.severity,
    timer: since(fault.raised_at, now),
    first: fault.first_out ? "FIRST OUT" : "",
  };
}

function drawPlc(plc, now) {
  return {
    plc: plc.plc,
    name: plc.name,
    status: plc.status,
    word: LINKS[plc.status],
    timer: since(plc.since, now),
    error: plc.error ?? "",
  };
}

/** Pieces ahead of or behind the target as of now, in whole pieces. */
function deltaOf(update) {
  if (update?.target === null || update?.target === undefined) return { delta: "", side: "" };
  const compared = update.good - (update.good_aside ?? 0);
  // What was not measured stands in no comparison with a target of measured time.
  const aside = update.good_aside ? `, of ${whole(compared)} measured` : "";
  const pieces = whole(Math.abs(compared - update.target));
  if (pieces === "0") return { delta: `on target${aside}`, side: "" };
  const side = compared < update.target ? "behind" : "ahead";
  return { delta: `${pieces} ${side}${aside}`, side };
}

/** The rate of the last ten minutes against that of the ten before, at the one decimal that is shown. */
function trendOf(update) {
  if (typeof update?.rate !== "number" || typeof update.rate_before !== "number") {
    return { trend: "", trend_text: "" };
  }
  const moved = tenth(Math.abs(update.rate - update.rate_before));
  if (moved === "0.0") return { trend: "flat", trend_text: "steady" };
  const up = update.rate > update.rate_before;
  return { trend: up ? "up" : "down", trend_text: `${moved} ${up ? "more" : "less"} than before` };
}

/** Speed as a share of the target in per cent, at most what the bar has room for; null without a target. */
function shareOf(speed, target) {
  if (typeof speed !== "number" || !target) return null;
  return Math.min(125, Math.max(0, Math.floor((speed / target) * 100 + 0.5)));
}
