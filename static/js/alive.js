// The admin's page "Is it alive?": asks for its rows every five seconds and always shows their age. While nobody
// answers it says UNKNOWN: what was well a moment ago may not be now.

const EVERY_MS = 5000;
const WITHIN_MS = 4000;
const OLD_S = 15;
// What a proxy says when nobody is behind it.
const NOBODY_BEHIND = new Set([502, 503, 504]);

const page = document.getElementById("alive");
const word = page.querySelector(".alive-word");
const sentence = page.querySelector(".alive-sentence");
const age = page.querySelector(".alive-age");
const notice = page.querySelector(".alive-notice");

// The age is counted by this page's own steady clock, from the moment an answer came.
let heardAt = performance.now();

function cell({ text, level }) {
  const td = document.createElement("td");
  td.textContent = text;
  if (level) td.dataset.level = level;
  return td;
}

function row(cells) {
  const tr = document.createElement("tr");
  tr.append(...cells);
  return tr;
}

function draw(told) {
  page.dataset.status = told.status;
  delete page.dataset.unknown;
  word.dataset.level = told.status;
  word.textContent = told.status;
  sentence.textContent = told.sentence;
  const gone = new Set([...page.querySelectorAll("[data-table]")].map((part) => part.dataset.table));
  for (const table of told.tables) {
    gone.delete(table.key);
    const part = page.querySelector(`[data-table="${CSS.escape(table.key)}"]`);
    if (!part) return void location.reload(); // the database came back, and with it other tables
    part.hidden = false;
    part.querySelector("h2").textContent = table.title;
    const rows = table.rows.map((cells) => row(cells.map(cell)));
    if (rows.length === 0) {
      const empty = cell({ text: table.empty });
      empty.className = "alive-empty";
      empty.colSpan = table.columns.length;
      rows.push(row([empty]));
    }
    part.querySelector("tbody").replaceChildren(...rows);
  }
  for (const key of gone) page.querySelector(`[data-table="${CSS.escape(key)}"]`).hidden = true;
}

function notKnown(...why) {
  page.dataset.unknown = "";
  word.dataset.level = "unknown";
  word.textContent = "unknown";
  // An unchanged notice is not written anew: a screen reader would say it again every five seconds.
  const text = why.map((part) => part.textContent ?? part).join("");
  if (notice.textContent !== text) notice.replaceChildren(...why);
}

function showAge() {
  const seconds = Math.floor((performance.now() - heardAt) / 1000);
  age.textContent = `Looked at ${seconds} s ago`;
  age.toggleAttribute("data-old", seconds >= OLD_S);
  if ("unknown" in page.dataset) {
    sentence.textContent = `Last told ${seconds} s ago: ${page.dataset.status.toUpperCase()}.`;
  }
}

function signIn() {
  const link = document.createElement("a");
  link.href = location.href; // the server leads who is signed out to the login, and back
  link.textContent = "sign in";
  return link;
}

async function refresh() {
  try {
    const answer = await fetch(page.dataset.now, {
      headers: { Accept: "application/json" },
      redirect: "manual", // a redirect leads to the login
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    if (answer.type === "opaqueredirect") {
      notKnown("You are signed out: ", signIn(), ".");
    } else if (answer.status === 403) {
      notKnown("You may not see this any more.");
    } else if (NOBODY_BEHIND.has(answer.status)) {
      notKnown(`No web process answers (${answer.status}).`);
    } else if (!answer.ok) {
      notKnown(`The web process cannot tell (it answered ${answer.status}).`);
    } else {
      const told = await answer.json();
      heardAt = performance.now();
      notice.textContent = "";
      draw(told);
    }
  } catch (error) {
    notKnown(`No web process answers (${error.message}).`);
  }
  showAge();
}

showAge();
setInterval(showAge, 1000);
setInterval(() => { if (!document.hidden) refresh(); }, EVERY_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
