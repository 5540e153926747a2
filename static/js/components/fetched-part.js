/**
 * A part of the page that the server draws.
 *
 * It is asked for again when something it shows has happened, and every half a minute since time alone moves it.
 * What cannot be had stays as it was, with the time it was drawn at, which it says itself.
 */

const EVERY_MS = 30_000;
const SOON_MS = 700;

export class FetchedPart extends HTMLElement {
  #asking = false;
  #again = false;
  #timer = 0;

  connectedCallback() {
    this.#plan(EVERY_MS);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  /** Ask for it again, a moment later: what happens at once is asked for once. */
  soon() {
    this.#plan(SOON_MS);
  }

  #plan(after) {
    if (after === SOON_MS && this.#again) return;
    this.#again = after === SOON_MS;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), after);
  }

  async #ask() {
    this.#again = false;
    if (this.#asking || document.hidden) return this.#plan(EVERY_MS);
    this.#asking = true;
    try {
      const answer = await fetch(this.dataset.url, { headers: { Accept: "text/html" }, redirect: "error" });
      if (answer.ok) this.innerHTML = await answer.text();
    } catch {
      // Not to be had now: the page's own mark says so when the connection is gone, and the part says its time.
    } finally {
      this.#asking = false;
      this.#plan(this.#again ? SOON_MS : EVERY_MS);
    }
    return undefined;
  }
}
