/**
 * The chart page of an equipment: the server draws the charts, this asks for them again, writes the newest values
 * between, and walks along a chart with the keyboard or the pointer.
 */

import "./components/choices.js";
import { mark, write } from "./bind.js";
import { LiveSocket } from "./socket.js";
import { indexNear, nextIndex, shown } from "./stops.js";

const DRAW_EVERY_MS = 10_000;

class TrendCharts extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.addEventListener("keydown", this.#key);
    this.addEventListener("pointermove", this.#point);
    this.addEventListener("focusout", this.#leave);
    // A time with both its ends said does not move.
    if (this.dataset.range !== "") this.#plan();
    this.#listen();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  #plan() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), DRAW_EVERY_MS);
  }

  async #ask() {
    // A chart under the hands of a person stays as it is.
    if (!document.hidden && !this.contains(document.activeElement)) {
      try {
        const answer = await fetch(`?range=${encodeURIComponent(this.dataset.range)}&part=1`, { redirect: "error" });
        if (answer.ok) this.innerHTML = await answer.text();
      } catch {
        // Not to be had now: the charts say themselves when they were drawn.
      }
    }
    this.#plan();
  }

  #listen() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const target = { subscription_type: "equipment", target_id: this.dataset.equipment };
    const socket = new LiveSocket(`${scheme}://${location.host}/ws/production`, [target]);
    socket.addEventListener("message", ({ detail }) => this.#hear(detail));
    socket.addEventListener("ended", ({ detail: { action } }) => {
      if (action === "login") location.assign(document.body.dataset.login);
    });
    addEventListener("online", () => socket.wake());
    socket.start();
  }

  /** Take the gauges of an event, or all of a snapshot. */
  #hear(message) {
    if (message.type === "telemetry_update") this.#write(message.data.readings);
    for (const gauge of message.gauges ?? []) {
      if (gauge.type === "telemetry_update") this.#write(gauge.data.readings);
    }
  }

  #write(readings) {
    for (const reading of readings) {
      const chart = this.querySelector(`[data-tag="${Number(reading.tag_id)}"]`);
      if (chart === null) continue;
      write(chart.querySelector("[data-value]"), shown(reading.value));
      mark(chart, "data-quality", reading.quality);
      const flag = chart.querySelector("[data-flag]");
      flag.hidden = reading.quality === "good";
      write(flag, reading.why ?? reading.quality);
    }
  }

  #key = (event) => {
    const chart = event.target.closest("[data-tag]");
    if (chart === null || !event.target.matches(".course")) return;
    const stops = this.#stops(chart);
    const index = nextIndex(event.key, Number(chart.dataset.stop ?? -1), stops.length);
    if (index === null) return;
    event.preventDefault();
    this.#show(chart, stops, index);
  };

  #point = (event) => {
    const picture = event.target.closest(".course");
    if (picture === null) return;
    const { left, width } = picture.getBoundingClientRect();
    const chart = picture.closest("[data-tag]");
    const stops = this.#stops(chart);
    const x = ((event.clientX - left) / width) * 1000;
    this.#show(chart, stops, indexNear(x, stops.map(({ dataset }) => Number(dataset.x))));
  };

  #leave = (event) => {
    const chart = event.target.closest("[data-tag]");
    chart?.querySelector(".cursor").setAttribute("visibility", "hidden");
  };

  #stops(chart) {
    return [...chart.querySelectorAll(".stops > li")];
  }

  #show(chart, stops, index) {
    if (index < 0 || index >= stops.length) return;
    chart.dataset.stop = String(index);
    const cursor = chart.querySelector(".cursor");
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, stops[index].dataset.x);
    cursor.setAttribute("visibility", "visible");
    write(chart.querySelector("[data-readout]"), stops[index].textContent);
  }
}

customElements.define("trend-charts", TrendCharts);
