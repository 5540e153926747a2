/**
 * What a line is at, as words and figures: job, changeover, downtime, OEE.
 *
 * The twin of realtime/work.py; tests/contract/drawing/work.json holds both to the same words.
 */

import { wallClock } from "./clock.js";
import { duration, percent, whole } from "./format.js";

const BEGUN = new Set(["running", "paused"]);
const DAY_MS = 86_400_000;

/**
 * @param {object} line of the board
 * @param {string} timeZone of the plant
 * @param {number} now server time in ms
 */
export function drawWork(line, timeZone, now) {
  const gauges = Object.values(line.gauges);
  const of = (type) => gauges.filter((gauge) => gauge.type === type).map((gauge) => gauge.data);
  const constraint = of("production_update")[0]?.constraint ?? null;
  return {
    job: drawJob(line.items, of("job_progress"), timeZone, now),
    changeover: drawChangeover(line.items, now),
    downtime: drawDowntime(line.items, constraint, now),
    oee: drawOee(of("oee_update")),
  };
}

function drawJob(items, progresses, timeZone, now) {
  const nothing = { number: "", product: "", status: "", operator: "", done: "", percent: "", share: null, pace: "", late: false };
  const begun = items
    .filter((item) => item.type === "job_started" && BEGUN.has(item.data.status))
    .map((item) => item.data)
    .sort((one, other) => (other.status === "running") - (one.status === "running") || other.id - one.id);
  const job = begun[0];
  if (!job) return nothing;
  const progress = progresses.find(({ id }) => id === job.id);
  const good = progress?.good ?? job.good;
  const share = job.target ? good / job.target : null;
  return {
    number: job.number,
    product: job.product,
    status: job.status,
    operator: job.operator ?? "",
    done: job.target ? `${whole(good)} of ${whole(job.target)}` : `${whole(good)} made`,
    percent: share === null ? "" : percent(share),
    share: share === null ? null : Math.min(100, Math.floor(share * 100 + 0.5)),
    ...paceOf(job, progress, timeZone, now),
  };
}

/** The sentence about the end, and whether it lies after the planned one. */
function paceOf(job, progress, timeZone, now) {
  if (job.status === "paused") {
    return { pace: job.pause_reason ? `paused: ${job.pause_reason}` : "paused", late: false };
  }
  if (!progress?.estimated_end_at) return { pace: progress?.why ?? "", late: false };
  const end = Date.parse(progress.estimated_end_at);
  let pace = `at this pace: finish ${wallClock(end, timeZone).slice(0, 5)}`;
  const days = dayOf(end, timeZone) - dayOf(now, timeZone);
  if (days) pace += ` in ${days} d`;
  const planned = job.planned_end_at ? Date.parse(job.planned_end_at) : Infinity;
  if (end <= planned) return { pace, late: false };
  return { pace: `${pace}, ${duration((end - planned) / 1000)} late`, late: true };
}

/** The number of a calendar day of the plant. */
function dayOf(at, timeZone) {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(at);
  return Date.parse(`${day}T00:00:00Z`) / DAY_MS;
}

function drawChangeover(items, now) {
  const data = items.find((item) => item.type.startsWith("changeover_"))?.data;
  if (!data) return { products: "", timer: "", over: false };
  const products = `${data.from_product ?? "nothing"} to ${data.to_product}`;
  const passed = (now - Date.parse(data.started_at)) / 1000;
  if (data.target_seconds === null) return { products, timer: `${duration(passed)} so far`, over: false };
  const left = data.target_seconds - passed;
  if (left >= 0) return { products, timer: `${duration(left)} left`, over: false };
  return { products, timer: `${duration(-left)} over`, over: true };
}

function drawDowntime(items, constraint, now) {
  const found = items
    .filter((item) => item.type === "downtime_event")
    .map((item) => item.data)
    .sort(
      (one, other) =>
        (one.equipment_code !== constraint) - (other.equipment_code !== constraint) ||
        Date.parse(one.started_at) - Date.parse(other.started_at) ||
        one.id - other.id,
    );
  const first = found[0];
  if (!first) return { reason: "", timer: "", asked: false };
  const suggested = first.suggested_reason ? `${first.suggested_reason}?` : "no reason given yet";
  return {
    reason: first.reason ?? suggested,
    timer: duration((now - Date.parse(first.started_at)) / 1000),
    asked: first.reason === null,
  };
}

function drawOee(updates) {
  const data = updates.find(({ scope }) => scope === "line");
  if (!data) {
    return { oee: "", availability: "", performance: "", quality: "", confidence: "", shift: "", note: "" };
  }
  return {
    oee: percent(data.oee),
    availability: percent(data.availability),
    performance: percent(data.performance),
    quality: percent(data.quality),
    confidence: percent(data.confidence),
    shift: data.shift ?? "",
    note: data.warning ?? data.why ?? "",
  };
}
