/**
 * The server's clock, as seen from here: every message that says the server's time sets it again.
 */
export class ServerClock {
  #offset;

  /**
   * @param {string} serverTime ISO time of the server when the page was made
   * @param {() => number} local ms, a parameter for the tests
   */
  constructor(serverTime, local = () => Date.now()) {
    this.local = local;
    this.#offset = Date.parse(serverTime) - local();
  }

  /** Take over what the server says it is now. The latest word counts: either clock may have been set. */
  heard(serverTime) {
    const at = Date.parse(serverTime);
    if (!Number.isNaN(at)) this.#offset = at - this.local();
  }

  /** Server time in ms. */
  now() {
    return this.at(this.local());
  }

  /** Server time in ms of a local moment. */
  at(local) {
    return local + this.#offset;
  }
}

/**
 * The wall clock of a plant: `17:42:08`.
 * @param {number} at ms
 * @param {string} timeZone such as Europe/Berlin
 */
export function wallClock(at, timeZone) {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(at);
}
