/**
 * Andon calls as words and figures ready to print: the board's columns, the rail, a line's five buttons (pure).
 *
 * The twin of realtime/calls.py; tests/contract/drawing/calls.json holds both to the same words.
 */

import { duration } from "./format.js";

const WORDS = {
  stop: "STOP",
  quality: "QUALITY",
  maintenance: "MAINTENANCE",
  material: "MATERIAL",
  safety: "SAFETY",
};
const STANDING = { open: "WAITING", acknowledged: "COMING", arrived: "THERE" };
const WORST_FIRST = ["critical", "high", "medium", "low"];

/**
 * @param {object[]} lines of the board
 * @param {number} now server time in ms up to which anything is known
 * @returns {{waiting: object[], coming: object[], there: object[], rail: object[]}} columns with the worst first and
 *   of those the oldest, the rail with the oldest first
 */
export function drawCalls(lines, now) {
  const rail = lines
    .flatMap((line) => rowsOf(line, now))
    .sort((one, other) => one.at - other.at || one.row.id - other.row.id)
    .map(({ row }) => row);
  const worst = [...rail].sort(
    (one, other) => WORST_FIRST.indexOf(one.priority) - WORST_FIRST.indexOf(other.priority),
  );
  return {
    waiting: worst.filter(({ status }) => status === "open"),
    coming: worst.filter(({ status }) => status === "acknowledged"),
    there: worst.filter(({ status }) => status === "arrived"),
    rail,
  };
}

/**
 * The five buttons of a line; one with a call of its category is that call, the oldest of them.
 * @param {object[]} rail
 */
export function drawSlots(rail) {
  return Object.entries(WORDS).map(([category, word]) => {
    const calls = rail.filter((row) => row.category === category);
    const more = calls.length > 1 ? `and ${calls.length - 1} more` : "";
    return { category, category_word: word, call: calls[0] ?? null, more };
  });
}

function rowsOf(line, now) {
  const of = (type) => line.items.filter((item) => item.type === type).map((item) => item.data);
  const calls = of("andon_event");
  if (calls.length === 0) return [];
  const climbs = new Map(of("escalation_update").map((climb) => [climb.andon_id, climb]));
  const update = Object.values(line.gauges).find((value) => value.type === "production_update")?.data;
  const names = new Map((update?.equipment ?? []).map((unit) => [unit.equipment_code, unit.name]));
  return calls.map((call) => ({
    at: Date.parse(call.raised_at),
    row: drawCall(line, call, climbs.get(call.id), names, now),
  }));
}

function drawCall(line, call, climb, names, now) {
  const code = call.equipment_code;
  const dueAt = call.status === "open" ? call.acknowledge_due_at : call.resolve_due_at;
  return {
    id: call.id,
    line: line.code,
    line_name: line.name,
    where: code ? (names.get(code) ?? code) : "whole line",
    category: call.category,
    category_word: WORDS[call.category],
    priority: call.priority,
    priority_word: call.priority.toUpperCase(),
    status: call.status,
    status_word: STANDING[call.status] ?? call.status.toUpperCase(),
    said: call.description,
    timer: between(Date.parse(call.raised_at), now),
    who: whoOf(call, now),
    times: call.occurrences > 1 ? `\u00d7${call.occurrences}` : "",
    pips: climb ? "\u25cf".repeat(climb.level) + "\u25cb".repeat(Math.max(0, climb.levels - climb.level)) : "",
    climbed: climb ? `level ${climb.level} of ${climb.levels}` : "",
    next: nextOf(call, climb, dueAt, now),
    overdue: dueAt !== null && Date.parse(dueAt) < now,
    told: climb?.recipients.length ? `told: ${climb.recipients.join(", ")}` : "",
    note: noteOf(call, now),
    resting: call.shelved_until !== null || call.normal_at !== null,
    again: call.status !== "open" && (climb?.next === "level" || climb?.next === "reminder"),
    raised_by_id: call.raised_by_id,
    version: call.version,
  };
}

function between(earlier, later) {
  return duration((later - earlier) / 1000);
}

function whoOf(call, now) {
  if (call.status === "arrived" && call.arrived_at) {
    return `${call.arrived_by ?? "somebody"} is there, ${between(Date.parse(call.arrived_at), now)}`;
  }
  if (call.status === "acknowledged" && call.acknowledged_at) {
    return `${call.acknowledged_by ?? "somebody"} is coming, ${between(Date.parse(call.acknowledged_at), now)}`;
  }
  if (call.rule !== null) return `raised by the rule ${call.rule}`;
  return call.raised_by ? `raised by ${call.raised_by}` : "";
}

function noteOf(call, now) {
  if (call.shelved_until !== null) {
    return `shelved by ${call.shelved_by ?? "somebody"}, ends ${inTime(call.shelved_until, now)}`;
  }
  return call.normal_at === null ? "" : `back to normal, ${between(Date.parse(call.normal_at), now)}`;
}

/** The countdown to the next step of the escalation, or to the policy's own limit. */
function nextOf(call, climb, dueAt, now) {
  if (climb?.next && climb.next_due_at) return `${stepOf(climb)} ${inTime(climb.next_due_at, now)}`;
  if (dueAt === null) return "";
  return `${call.status === "open" ? "answer" : "resolve"} ${inTime(dueAt, now)}`;
}

const STEPS = { resolve_due: "resolve", reminder: "reminder", shelf_end: "shelf ends" };

function stepOf({ next, level }) {
  return next === "level" ? `level ${level + 1}` : STEPS[next];
}

function inTime(at, now) {
  const due = Date.parse(at);
  return due > now ? `in ${between(now, due)}` : `due ${between(due, now)} ago`;
}
