/** What a person is told beside the board: what was refused, what did not come, and how the connection is. */

import { write } from "./bind.js";

const GAP_SHOWN_MS = 60_000;

/** A region that is always there, so that what is put into it is read out, in its turn. */
function region(id, className) {
  const element = document.createElement("div");
  element.id = id;
  element.className = className;
  element.setAttribute("role", "status");
  element.setAttribute("aria-live", "polite");
  document.querySelector("main").before(element);
  return element;
}

export class Notices {
  #spoken = region("spoken", "unseen");
  #gap = region("gap", "");
  #until = null;

  /** @param {string} sentence for those who do not see the board lose its colour; empty: nothing */
  say(sentence) {
    if (sentence) write(this.#spoken, sentence);
  }

  /** @param {string} sentence shown for a minute; empty: nothing */
  gap(sentence) {
    if (!sentence) return;
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.textContent = sentence;
    this.#gap.replaceChildren(notice);
    clearTimeout(this.#until);
    this.#until = setTimeout(() => this.#gap.replaceChildren(), GAP_SHOWN_MS);
  }

  /** A target that is not to be had; what may be had a little later is asked for again, unseen. */
  refused({ message, retryable, subscription_type }) {
    if (retryable || subscription_type === undefined) return;
    const notice = document.getElementById("notice");
    write(notice, message);
    notice.hidden = false;
  }
}
