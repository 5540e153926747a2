/**
 * How old the data of a line is (pure); the twin of realtime/freshness.py, held to tests/contract/drawing/freshness.json.
 *
 * Between two heartbeats nobody knows more than the last one said, so the shown age grows by the clock. That growth
 * alone must not turn a healthy line amber just before each heartbeat: the chip is late when the heartbeat *said* more
 * than 5 s, or when the heartbeat itself is overdue.
 */

import { age, duration } from "./format.js";

export const LATE_MS = 5_000;
export const STALE_MS = 15_000;
/** A heartbeat every 5 s, and what a busy network may add. */
export const OVERDUE_MS = 7_000;

/**
 * @param {{plc: string, age_ms: number | null, at: string} | null} freshness
 * @param {number} now server time in ms
 * @returns {{level: "live"|"late"|"stale"|"none"|"never", text: string, timer: string}}
 */
export function freshnessOf(freshness, now) {
  if (!freshness || freshness.plc === "none") return { level: "none", text: "no PLC", timer: "" };
  if (freshness.age_ms === null) return { level: "never", text: "no reading yet", timer: "" };
  const since = Math.max(0, now - Date.parse(freshness.at));
  const grown = freshness.age_ms + since;
  const timer = duration(grown / 1000);
  if (grown > STALE_MS) return { level: "stale", text: `data ${age(grown / 1000)} old`, timer };
  const late = freshness.age_ms > LATE_MS || since > OVERDUE_MS;
  return { level: late ? "late" : "live", text: `data ${age(grown / 1000)} old`, timer };
}
