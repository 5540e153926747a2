/**
 * Figures as people read them; the twin of realtime/formats.py, held to it by tests/contract/drawing/formats.json.
 */

const NARROW_SPACE = "\u202f";
export const NOTHING = "\u2013";

/**
 * A whole number in groups of three; a dash for null.
 * @param {number | null | undefined} value
 * @returns {string}
 */
export function whole(value) {
  if (value === null || value === undefined) return NOTHING;
  const rounded = Math.floor(Math.abs(value) + 0.5);
  const grouped = String(rounded).replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
  return value < 0 && rounded > 0 ? `\u2212${grouped}` : grouped;
}

/**
 * A number with one decimal; a dash for null.
 * @param {number | null | undefined} value
 * @returns {string}
 */
export function tenth(value) {
  if (value === null || value === undefined) return NOTHING;
  const tenths = Math.floor(Math.abs(value) * 10 + 0.5);
  const text = `${whole(Math.floor(tenths / 10))}.${tenths % 10}`;
  return value < 0 && tenths > 0 ? `\u2212${text}` : text;
}

/**
 * A fraction as a whole per cent, without the sign, which stands beside it; a dash for null.
 * @param {number | null | undefined} fraction
 * @returns {string}
 */
export function percent(fraction) {
  return fraction === null || fraction === undefined ? NOTHING : whole(fraction * 100);
}

/**
 * A length of time: `04:12`, from an hour on `1 h 04`, from a day on `2 d 3 h`; a dash for null.
 * What is below zero, by a clock that is a little off, is zero.
 * @param {number | null | undefined} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  const total = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(total / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours >= 1) return `${hours} h ${two(minutes % 60)}`;
  return `${two(minutes)}:${two(total % 60)}`;
}

/**
 * How old something is: `3 s`, from a minute on as a duration.
 * @param {number} seconds
 * @returns {string}
 */
export function age(seconds) {
  return seconds < 60 ? `${Math.max(0, Math.floor(seconds))} s` : duration(seconds);
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}
