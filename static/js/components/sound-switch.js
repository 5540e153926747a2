/**
 * The sound of a board: on, muted, or not allowed yet, and always saying which.
 *
 * A browser lets no page sound before a person has touched it (a kiosk may be started so that it does), so what is
 * not heard is shown: "Sound is off: tap to hear calls".
 */

import { mark, write } from "../bind.js";

const STORED = "ms5.sound";
const TEXTS = {
  on: "Sound is on",
  muted: "Sound is muted",
  blocked: "Sound is off: tap to hear calls",
  none: "This browser has no sound",
};
/** Pitch in Hz, beginning and length in s, loudness. */
const TONES = {
  chime: [[880, 0, 0.5, 0.5], [660, 0.35, 0.9, 0.5]],
  repeat: [[660, 0, 0.5, 0.12]],
};

export class SoundSwitch extends HTMLElement {
  #context = null;
  #muted = false;

  connectedCallback() {
    this.#muted = stored() === "muted";
    this.querySelector("button").addEventListener("click", () => this.#press());
    // Any touch of the page gives leave to sound.
    for (const touch of ["pointerdown", "keydown"]) {
      addEventListener(touch, () => this.#wake(), { passive: true });
    }
    this.hidden = false;
    if (!this.#muted) this.#wake();
    this.#show();
  }

  /** @param {""|"chime"|"repeat"} kind */
  play(kind) {
    if (kind === "" || this.#state() !== "on") return;
    const from = this.#context.currentTime;
    for (const [pitch, begin, length, loudness] of TONES[kind]) {
      this.#tone(pitch, from + begin, length, loudness);
    }
  }

  #press() {
    // What was not allowed to sound is allowed by this very press.
    this.#muted = this.dataset.sound === "on";
    store(this.#muted ? "muted" : "on");
    if (!this.#muted) this.#wake();
    this.#show();
  }

  #state() {
    if (!globalThis.AudioContext) return "none";
    if (this.#muted) return "muted";
    return this.#context?.state === "running" ? "on" : "blocked";
  }

  #wake() {
    if (!globalThis.AudioContext || this.#muted) return;
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#context.addEventListener("statechange", () => this.#show());
    }
    // It stays unanswered until a person touches the page; the switch shows the state, whichever it is.
    if (this.#context.state !== "running") this.#context.resume().catch(() => this.#show());
  }

  #show() {
    const state = this.#state();
    mark(this, "data-sound", state);
    const button = this.querySelector("button");
    write(button.querySelector("[data-text]"), TEXTS[state]);
    mark(button, "aria-pressed", String(state === "on"));
    button.disabled = state === "none";
  }

  #tone(pitch, at, length, loudness) {
    const oscillator = this.#context.createOscillator();
    const gain = this.#context.createGain();
    oscillator.frequency.value = pitch;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loudness, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + length);
    oscillator.connect(gain).connect(this.#context.destination);
    oscillator.start(at);
    oscillator.stop(at + length);
  }
}

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // a browser that refuses storage begins with sound
  }
}

function store(value) {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // A browser that refuses storage forgets the choice with the page.
  }
}

customElements.define("sound-switch", SoundSwitch);
