/**
 * (board, message) -> board, without DOM and without clock.
 *
 * The board is what the server drew and what every message changes:
 *
 *   { epoch, degraded, lines: { CODE: { code, name, items, gauges, freshness, positions } } }
 *
 * `items` are the open subjects of a line as in a snapshot, `gauges` the latest value per key,
 * `positions` the last applied position per stream, `freshness` what the last heartbeat (at `at`) said of the sources.
 * A board is never changed: what a message touches is copied, the rest is shared.
 */

/** The facts we fold: which field of the data is the subject, and which one, once set, ends it. */
export const FACTS = {
  equipment_state: { subject: "equipment_code", endedWhen: "" },
  equipment_fault: { subject: "id", endedWhen: "cleared_at" },
  plc_status: { subject: "plc", endedWhen: "" },
};

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
    item.type === type && item.line_id === line_id && item.data[fact.subject] === data[fact.subject];
  if (fact.endedWhen && data[fact.endedWhen] !== null) return items.filter((item) => !same(item));
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
    case "heartbeat":
      return heartbeat(board, message);
    default:
      if (message.key !== undefined) return gauge(board, message);
      if (message.seq !== undefined) return fact(board, message);
      return board;
  }
}

/** The line of that code, or the beginning of one the page does not know. */
function lineOf(board, code) {
  return (
    board.lines[code] ?? { code, name: code, items: [], gauges: {}, freshness: null, positions: {} }
  );
}

function withLine(board, line) {
  return { ...board, lines: { ...board.lines, [line.code]: line } };
}

/** Another epoch: positions and versions mean nothing any more; what is shown stays until the snapshot. */
function begunAnew(board, epoch) {
  const lines = {};
  for (const line of Object.values(board.lines)) {
    const gauges = {};
    for (const value of Object.values(line.gauges)) gauges[value.key] = { ...value, ver: 0 };
    lines[line.code] = { ...line, gauges, positions: {} };
  }
  return { ...board, epoch, lines };
}

/** Replace the items of the lines a `line` snapshot is about; it is the whole truth at its positions. */
function snapshot(board, message) {
  if (message.subscription_type !== "line") return board;
  const codes =
    message.target_id === "all"
      ? new Set([...Object.keys(board.lines), ...linesIn(message)])
      : [message.target_id];
  let next = board;
  for (const code of codes) {
    const positions = code in message.positions ? { [code]: message.positions[code] } : {};
    const items = message.items.filter((item) => item.line_id === code);
    next = withLine(next, { ...lineOf(next, code), items, positions });
  }
  return next;
}

function linesIn(message) {
  const codes = Object.keys(message.positions).filter((stream) => stream !== "plant");
  for (const item of message.items) if (item.line_id) codes.push(item.line_id);
  return codes;
}

function fact(board, event) {
  if (!event.line_id) return board;
  const line = lineOf(board, event.line_id);
  if (event.seq <= (line.positions[event.stream] ?? 0)) return board;
  return withLine(board, {
    ...line,
    items: fold(line.items, event),
    positions: { ...line.positions, [event.stream]: event.seq },
  });
}

function gauge(board, event) {
  if (!event.line_id) return board;
  const line = lineOf(board, event.line_id);
  const known = line.gauges[event.key];
  if (known && event.ver <= known.ver) return board;
  const { type, key, ver, source_at, data } = event;
  return withLine(board, {
    ...line,
    gauges: { ...line.gauges, [key]: { type, key, ver, source_at, data } },
  });
}

function heartbeat(board, message) {
  const lines = { ...board.lines };
  for (const [code, freshness] of Object.entries(message.freshness)) {
    if (lines[code]) lines[code] = { ...lines[code], freshness: { ...freshness, at: message.timestamp } };
  }
  return { ...board, lines, degraded: message.degraded };
}
