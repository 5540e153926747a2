/** Where a cursor goes along the points of a chart, and how a reading is written; knows no DOM. */

const MANY = 10;

/**
 * The next place for a key, or null for a key that moves nothing.
 * @param {string} key
 * @param {number} index where it is, -1: nowhere yet
 * @param {number} count
 */
export function nextIndex(key, index, count) {
  if (count === 0) return null;
  const last = count - 1;
  const from = index < 0 ? count : Math.min(index, last);
  const bounded = (place) => Math.max(0, Math.min(last, place));
  switch (key) {
    case "ArrowLeft":
      return bounded(from - 1);
    case "ArrowRight":
      return bounded(from + 1);
    case "PageUp":
      return bounded(from - MANY);
    case "PageDown":
      return bounded(from + MANY);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

/** The place whose x is nearest, -1 for no places. */
export function indexNear(x, places) {
  let best = -1;
  for (const [index, place] of places.entries()) {
    if (best < 0 || Math.abs(place - x) < Math.abs(places[best] - x)) best = index;
  }
  return best;
}

/** A value as the server writes it: six digits, a bit as 0 or 1, nothing as a dash. */
export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return value;
}
