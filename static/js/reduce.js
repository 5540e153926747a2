/**
 * (board, message) -> board, without DOM and without clock.
 *
 * The board is what the server drew and what every message changes:
 *
 *   { epoch, degraded, plant: { items, gauges }, lines: { CODE: { code, name, items, gauges, freshness } } }
 *
 * `items` are the open subjects as in a snapshot, `gauges` the latest value per key, `freshness` what the last
 * heartbeat (at `at`) said of the sources; `plant` is what concerns no line. The messages come through rules.js: none
 * of them a duplicate, those of a stream in order. A board is never changed: what a message touches is copied, the
 * rest is shared.
 */

import { FACTS } from "./facts.js";
import { isWhole } from "./rules.js";

/** The stream of what concerns no line. */
const PLANT = "plant";
const NO_PLANT = { items: [], gauges: {} };
const NOT_YOURS = new Set(["FORBIDDEN", "INVALID_TARGET"]);

/**
 * Fold a fact into the items: the newest state of its subject, or none if it has ended.
 * @param {object[]} items
 * @param {object} event
 * @returns {object[]}
 */
export function fold(items, event) {
  const fact = FACTS[event.type];
  if (!fact) return items;
  const { type, line_id, equipment_code, data } = event;
  const same = (item) =>
    FACTS[item.type]?.family === fact.family &&
    item.line_id === line_id &&
    item.data[fact.subject] === data[fact.subject];
  if (fact.endedWhen && (data[fact.endedWhen] ?? null) !== null) return items.filter((item) => !same(item));
  const fresh = { type, line_id, equipment_code, data };
  return items.some(same) ? items.map((item) => (same(item) ? fresh : item)) : [...items, fresh];
}

/**
 * @param {object} board
 * @param {object} message any message of the server; unknown ones change nothing
 * @returns {object}
 */
export function reduce(board, message) {
  switch (message.type) {
    case "connection_established":
      return board.epoch === message.epoch ? board : begunAnew(board, message.epoch);
    case "snapshot":
      return snapshot(board, message);
    case "resumed":
      return resumed(board, message);
    case "heartbeat":
      return heartbeat(board, message);
    case "error":
      return error(board, message);
    default:
      if (message.key !== undefined) return gauge(board, message);
      if (message.seq !== undefined) return fact(board, message);
      return board;
  }
}

/** The line of that code, or the beginning of one the board does not know. */
export function lineOf(board, code) {
  return board.lines[code] ?? { code, name: code, items: [], gauges: {}, freshness: null };
}

/** What a stream is about: a line, or the plant. */
function placeOf(board, stream) {
  return stream === PLANT ? (board.plant ?? NO_PLANT) : lineOf(board, stream);
}

function withPlace(board, stream, place) {
  return stream === PLANT
    ? { ...board, plant: place }
    : { ...board, lines: { ...board.lines, [stream]: place } };
}

function streamOf({ line_id }) {
  return line_id ?? PLANT;
}

/** Another epoch: versions mean nothing any more; what is shown stays until the snapshot. */
function begunAnew(board, epoch) {
  const streams = [PLANT, ...Object.keys(board.lines)];
  return { ...streams.reduce(withoutVersions, board), epoch };
}

function withoutVersions(board, stream) {
  if (stream !== PLANT && !board.lines[stream]) return board;
  const place = placeOf(board, stream);
  const gauges = {};
  for (const value of Object.values(place.gauges)) gauges[value.key] = { ...value, ver: 0 };
  return withPlace(board, stream, { ...place, gauges });
}

/** Replace the items of what a `line` snapshot is about; it is the whole truth at its positions. */
function snapshot(board, message) {
  if (message.subscription_type !== "line") return board;
  let next = isWhole(message) ? onlyThese(board, message.positions) : board;
  for (const stream of Object.keys(message.positions)) {
    const items = message.items.filter((item) => streamOf(item) === stream);
    next = withPlace(next, stream, { ...placeOf(next, stream), items });
  }
  return next;
}

function onlyThese(board, streams) {
  const lines = Object.entries(board.lines).filter(([code]) => code in streams);
  return { ...board, plant: NO_PLANT, lines: Object.fromEntries(lines) };
}

/** What could not be replayed: its versions mean nothing any more, and what is not ours is not shown. */
function resumed(board, { streams }) {
  let next = board;
  for (const [stream, { recovered, reason }] of Object.entries(streams)) {
    if (reason === "forbidden") next = without(next, stream);
    else if (!recovered) next = withoutVersions(next, stream);
  }
  return next;
}

function without(board, stream) {
  if (stream === PLANT) return { ...board, plant: NO_PLANT };
  const { [stream]: gone, ...lines } = board.lines;
  return gone ? { ...board, lines } : board;
}

/** A line that was taken away while we heard it is not shown any more. */
function error(board, { code, subscription_type, target_id }) {
  const revoked = NOT_YOURS.has(code) && subscription_type === "line";
  return revoked ? without(board, target_id) : board;
}

function fact(board, event) {
  const stream = streamOf(event);
  const place = placeOf(board, stream);
  return withPlace(board, stream, { ...place, items: fold(place.items, event) });
}

function gauge(board, event) {
  const stream = streamOf(event);
  const place = placeOf(board, stream);
  const known = place.gauges[event.key];
  if (known && event.ver <= known.ver) return board;
  const { type, key, ver, source_at, data } = event;
  const gauges = { ...place.gauges, [key]: { type, key, ver, source_at, data } };
  return withPlace(board, stream, { ...place, gauges });
}

function heartbeat(board, message) {
  const lines = { ...board.lines };
  for (const [code, freshness] of Object.entries(message.freshness)) {
    if (lines[code]) lines[code] = { ...lines[code], freshness: { ...freshness, at: message.timestamp } };
  }
  return { ...board, lines, degraded: message.degraded };
}
