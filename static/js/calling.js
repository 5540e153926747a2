/**
 * The buttons of calls, wherever a page has them: raise, acknowledge, arrive, resolve, cancel, comment.
 *
 * A button says its deed by `data-deed`; the call is the nearest `data-key`, the line and category of a new one are the
 * nearest `data-line` and `data-category`. What a deed needs to be told is asked in the page's one dialog.
 */

import { write } from "./bind.js";
import { Deeds, refusal } from "./deeds.js";

const CALLS = "/api/v1/andon/calls/";
const SHOWN_MS = 8_000;
/** What is asked before a deed, the field that tells it, and whether it may be left out. */
const ASKED = {
  resolve: { title: "Resolve the call", label: "What was done?", field: "text", required: true },
  cancel: { title: "Cancel the call", label: "Why?", field: "text", required: false },
  comment: { title: "Comment", label: "Comment", field: "text", required: true },
};

/**
 * @param {() => number} now server time in ms
 */
export function calling(now) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  const deeds = new Deeds(token);
  const dialog = document.getElementById("deed");
  let hide = null;

  const tell = (sentence) => {
    const notice = document.getElementById("told");
    write(notice, sentence);
    notice.hidden = sentence === "";
    clearTimeout(hide);
    hide = setTimeout(() => {
      notice.hidden = true;
    }, SHOWN_MS);
  };

  const send = async (button, path, said) => {
    button.disabled = true;
    try {
      const answer = await deeds.post(path, said);
      if (answer === null || answer.ok) return;
      tell(answer.status === 0 ? "Nobody answered. Press again: it is not done twice." : refusal(answer.status, answer.body, now()));
    } finally {
      button.disabled = false;
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-deed]");
    if (!button || button.disabled) return;
    const { deed } = button.dataset;
    if (deed === "raise") {
      const { line } = button.closest("[data-line]").dataset;
      const { category } = button.closest("[data-category]").dataset;
      send(button, CALLS, { line, category });
      return;
    }
    const call = button.closest("[data-key]");
    const path = `${CALLS}${call.dataset.key}/${deed}/`;
    const asked = ASKED[deed];
    if (!asked) send(button, path, {});
    else ask(dialog, asked, call, (text) => send(button, path, { [asked.field]: text }));
  });
}

function ask(dialog, { title, label, required }, call, then) {
  const text = dialog.querySelector("textarea");
  write(dialog.querySelector("[data-title]"), title);
  write(dialog.querySelector("[data-about]"), call.querySelector("[data-f=said]")?.textContent ?? "");
  write(dialog.querySelector("[data-label]"), label);
  text.value = "";
  text.required = required;
  dialog.onclose = () => {
    if (dialog.returnValue === "do") then(text.value.trim());
  };
  dialog.returnValue = "";
  dialog.showModal();
  text.focus();
}
