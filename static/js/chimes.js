/**
 * When a board of calls makes itself heard (pure): once for each new call, and softly again until somebody claims it.
 */

export const REPEAT_MS = 15_000;

export class Chimes {
  #known = null;
  #soundedAt = -Infinity;

  /**
   * What is to be heard now. Calls that were there before the board are no news: they are only repeated.
   * @param {Iterable<number>} waiting ids of the calls nobody has claimed
   * @param {number} now ms of any clock that only rises
   * @returns {""|"chime"|"repeat"}
   */
  due(waiting, now) {
    const ids = [...waiting];
    const known = this.#known;
    this.#known = new Set(ids);
    const isNews = known !== null && ids.some((id) => !known.has(id));
    if (!isNews && (ids.length === 0 || now - this.#soundedAt < REPEAT_MS)) return "";
    this.#soundedAt = now;
    return isNews ? "chime" : "repeat";
  }
}
