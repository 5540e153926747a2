import assert from "node:assert/strict";
import { test } from "node:test";

import { PROBE_MS, SILENCE_MS } from "../../static/js/rules.js";
import { LiveSocket, PROTOCOLS } from "../../static/js/socket.js";
import { clientCases } from "./golden.js";

/** The edge of the world: timers that move when told to, and sockets that a test plays the server of. */
class World {
  moment = 0;
  now = () => this.moment;
  timers = new Map();
  sockets = [];
  random = () => 0.5;
  #next = 1;

  constructor() {
    const world = this;
    this.WebSocket = class {
      static OPEN = 1;
      sent = [];
      readyState = 0;
      closedWith = null;

      constructor(url, protocols) {
        Object.assign(this, { url, protocols });
        world.sockets.push(this);
      }

      send(text) {
        assert.equal(this.readyState, 1, "only an open socket sends");
        this.sent.push(JSON.parse(text));
      }

      close(code) {
        this.closedWith = code;
        this.readyState = 2;
      }

      opens() {
        this.readyState = 1;
        this.onopen();
      }

      says(message) {
        this.onmessage({ data: JSON.stringify(message) });
      }

      ends(code) {
        this.readyState = 3;
        this.onclose({ code });
      }
    };
    this.setTimeout = (call, ms) => {
      this.timers.set(this.#next, { at: this.moment + ms, call });
      return this.#next++;
    };
    this.clearTimeout = (id) => this.timers.delete(id);
  }

  get socket() {
    return this.sockets.at(-1);
  }

  pass(ms) {
    const end = this.moment + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      const [id, { at, call }] = due;
      this.timers.delete(id);
      this.moment = at;
      call();
    }
    this.moment = end;
  }
}

const TARGET = { subscription_type: "line", target_id: "L1" };
const { frames } = clientCases();
const BEGUN = [frames["hello e-1"], frames["confirmed 1 line L1"], frames["snapshot 1 line L1 at 4"]];

function started(subscriptions = [TARGET]) {
  const world = new World();
  const socket = new LiveSocket("ws://h/ws/production", subscriptions, world);
  const seen = [];
  for (const type of ["message", "ended"]) {
    socket.addEventListener(type, ({ detail }) => seen.push([type, detail]));
  }
  socket.start();
  return { world, socket, seen };
}

const kinds = (seen) => seen.map(([type, { type: kind, action }]) => [type, kind ?? action]);

test("it offers arrays first, and subscribes when open", () => {
  const { world } = started([TARGET, { subscription_type: "andon", target_id: "L-1" }]);
  assert.equal(world.socket.url, "ws://h/ws/production");
  assert.deepEqual(world.socket.protocols, ["ms5.v1+batch", "ms5.v1"]);
  assert.equal(world.socket.protocols, PROTOCOLS);
  assert.deepEqual(world.socket.sent, []);
  world.socket.opens();
  assert.deepEqual(world.socket.sent, [
    { type: "subscribe", id: 1, subscriptions: [TARGET, { subscription_type: "andon", target_id: "L-1" }] },
  ]);
});

test("every message that is no duplicate is passed on as it is, alone or in an array", () => {
  const { world, seen } = started();
  world.socket.opens();
  world.socket.says(BEGUN);
  world.socket.says(frames["L1 5: M1 stopped"]);
  world.socket.says([frames["L1 5: M1 stopped"], frames["L1 6: M2 running"]]);
  assert.deepEqual(seen.map(([, message]) => message), [...BEGUN, frames["L1 5: M1 stopped"], frames["L1 6: M2 running"]]);
});

test("after a loss it comes back and resumes", () => {
  const { world, socket } = started();
  world.socket.opens();
  world.socket.says(BEGUN);
  const first = world.socket;
  first.ends(1012);
  assert.equal(socket.rules.status, "lost");
  world.pass(249);
  assert.equal(world.sockets.length, 1);
  world.pass(1);
  assert.equal(world.sockets.length, 2);
  world.socket.opens();
  assert.deepEqual(world.socket.sent, [
    { type: "resume", id: 2, epoch: "e-1", positions: { L1: { seq: 4, event_id: null } }, subscriptions: [TARGET] },
  ]);
});

test("twelve seconds of silence let the socket go without waiting for it", () => {
  const { world, socket } = started();
  world.socket.opens();
  world.pass(SILENCE_MS - 1);
  assert.equal(socket.rules.status, "connecting");
  const first = world.socket;
  world.pass(1);
  assert.equal(socket.rules.status, "lost");
  assert.equal(first.closedWith, 1000);
  assert.equal(first.onclose, null, "the peer that did not answer is not waited for");
  world.pass(250);
  assert.equal(world.sockets.length, 2);
});

test("any frame counts as news", () => {
  const { world, socket } = started();
  world.socket.opens();
  world.socket.says(BEGUN);
  for (let number = 0; number < 5; number += 1) {
    world.pass(SILENCE_MS - 1);
    world.socket.says({ type: "pong" });
  }
  assert.equal(socket.rules.status, "live");
  assert.equal(world.sockets.length, 1);
});

test("what the server refuses for good is told and not tried again", () => {
  for (const [code, action] of [[4400, "stop"], [4401, "login"], [4406, "reload"]]) {
    const { world, socket, seen } = started();
    world.socket.opens();
    world.socket.ends(code);
    assert.deepEqual(kinds(seen), [["ended", action]], String(code));
    assert.equal(seen[0][1].code, code);
    assert.equal(socket.rules.status, "ended");
    world.pass(120_000);
    assert.equal(world.sockets.length, 1, String(code));
    assert.equal(world.timers.size, 0);
  }
});

test("a page that wakes up demands an answer soon", () => {
  const { world, socket } = started();
  world.socket.opens();
  socket.wake();
  assert.deepEqual(world.socket.sent.at(-1), { type: "ping", t: "wake" });
  world.pass(PROBE_MS);
  assert.equal(socket.rules.status, "lost");
});

test("a page that wakes up between two attempts does not wait for the next", () => {
  const { world, socket } = started();
  world.socket.ends(1006);
  socket.wake();
  assert.equal(world.sockets.length, 2);
  world.pass(600);
  assert.equal(world.sockets.length, 2, "the attempt it was waiting for is off");
});

test("a stopped socket stays away", () => {
  const { world, socket, seen } = started();
  world.socket.opens();
  socket.stop();
  socket.wake();
  world.pass(120_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.sockets[0].closedWith, 1000);
  assert.deepEqual(seen, []);
});

test("one timer runs at most, however often it reconnects", () => {
  const { world } = started();
  for (let number = 0; number < 50; number += 1) {
    world.socket.opens();
    world.socket.says(frames["heartbeat L1 at 4, 0 facts"]);
    world.socket.ends(1006);
    world.pass(500);
    assert.equal(world.timers.size, 1);
  }
  assert.equal(world.sockets.length, 51);
});

test("whoever draws the page is told after each change", () => {
  const { world, socket } = started();
  const statuses = [];
  socket.addEventListener("changed", () => statuses.push(socket.rules.status));
  world.socket.opens();
  world.socket.says(BEGUN);
  world.socket.ends(1006);
  world.pass(250);
  assert.deepEqual(statuses, ["connecting", "live", "lost", "lost"]);
});
