import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveSocket, PROBE_MS, PROTOCOL, SILENCE_MS, afterClose, backOff } from "../../static/js/socket.js";

/** The edge of the world: timers that move when told to, and sockets that a test plays the server of. */
class World {
  now = 0;
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
      this.timers.set(this.#next, { at: this.now + ms, call });
      return this.#next++;
    };
    this.clearTimeout = (id) => this.timers.delete(id);
  }

  get socket() {
    return this.sockets.at(-1);
  }

  pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      const [id, { at, call }] = due;
      this.timers.delete(id);
      this.now = at;
      call();
    }
    this.now = end;
  }
}

const TARGET = { subscription_type: "line", target_id: "all" };

function started(subscriptions = [TARGET]) {
  const world = new World();
  const socket = new LiveSocket("ws://h/ws/production", subscriptions, world);
  const seen = [];
  for (const type of ["open", "message", "silent", "closed"]) {
    socket.addEventListener(type, ({ detail }) => seen.push([type, detail]));
  }
  socket.start();
  return { world, socket, seen };
}

const kinds = (seen) => seen.map(([type]) => type);

test("it offers its protocol and subscribes when open", () => {
  const { world, seen } = started([TARGET, { subscription_type: "andon", target_id: "L-1" }]);
  assert.deepEqual(world.socket.protocols, [PROTOCOL]);
  assert.deepEqual(world.socket.sent, []);
  world.socket.opens();
  assert.deepEqual(world.socket.sent, [
    { type: "subscribe", id: 1, subscription_type: "line", target_id: "all" },
    { type: "subscribe", id: 2, subscription_type: "andon", target_id: "L-1" },
  ]);
  assert.deepEqual(kinds(seen), ["open"]);
});

test("every message is passed on as it is", () => {
  const { world, seen } = started();
  world.socket.opens();
  world.socket.says({ type: "anything", n: 1 });
  assert.deepEqual(seen.at(-1), ["message", { type: "anything", n: 1 }]);
});

test("after a loss it comes back and subscribes again", () => {
  const { world, seen } = started();
  world.socket.opens();
  world.socket.ends(1012);
  assert.deepEqual(seen.at(-1), ["closed", { code: 1012, action: "reconnect", message: "Connection lost.", delay: 250 }]);
  world.pass(249);
  assert.equal(world.sockets.length, 1);
  world.pass(1);
  assert.equal(world.sockets.length, 2);
  world.socket.opens();
  assert.deepEqual(world.socket.sent, [{ type: "subscribe", id: 1, ...TARGET }]);
});

test("the wait is full jitter under a ceiling from half a second to thirty", () => {
  const ceilings = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
  ceilings.forEach((ceiling, attempt) => {
    assert.equal(backOff(attempt, () => 0), 0);
    assert.equal(backOff(attempt, () => 0.5), ceiling / 2);
    assert.ok(backOff(attempt, () => 0.999999) < ceiling);
  });
  assert.equal(backOff(5_000, () => 0.5), 15_000);
});

test("the ceiling doubles until a heartbeat shows that the server keeps us", () => {
  const { world, seen } = started();
  const delays = () => seen.filter(([type]) => type === "closed").map(([, { delay }]) => delay);
  for (let number = 0; number < 4; number += 1) {
    world.socket.opens();
    world.socket.says({ type: "connection_established" });
    world.socket.ends(4503);
    world.pass(delays().at(-1));
  }
  assert.deepEqual(delays(), [250, 500, 1_000, 2_000]);
  world.socket.opens();
  world.socket.says({ type: "heartbeat" });
  world.socket.ends(1006);
  assert.equal(delays().at(-1), 250);
});

test("twelve seconds of silence are a loss, and any message begins them anew", () => {
  const { world, seen } = started();
  world.socket.opens();
  world.pass(SILENCE_MS - 1);
  world.socket.says({ type: "heartbeat" });
  world.pass(SILENCE_MS - 1);
  assert.deepEqual(kinds(seen), ["open", "message"]);
  const first = world.socket;
  world.pass(1);
  assert.deepEqual(kinds(seen), ["open", "message", "silent", "closed"]);
  assert.equal(first.closedWith, 1000);
  assert.equal(first.onclose, null, "the peer that did not answer is not waited for");
  world.pass(250);
  assert.equal(world.sockets.length, 2);
});

test("a server that accepts nothing and refuses nothing is given up after twelve seconds", () => {
  const { world, seen } = started();
  world.pass(SILENCE_MS);
  assert.deepEqual(kinds(seen), ["silent", "closed"]);
  world.pass(250);
  assert.equal(world.sockets.length, 2);
});

test("a connection that opens late is not cut off in between", () => {
  const { world, seen } = started();
  world.pass(11_000);
  world.socket.opens();
  world.socket.says({ type: "connection_established" });
  world.pass(SILENCE_MS - 1);
  assert.deepEqual(kinds(seen), ["open", "message"]);
});

test("what the server refuses for good is not tried again", () => {
  for (const [code, action] of [[4400, "stop"], [4401, "login"], [4403, "stop"], [4406, "reload"], [4499, "stop"], [1003, "stop"], [1007, "stop"], [1009, "stop"]]) {
    const { world, seen } = started();
    world.socket.opens();
    world.socket.ends(code);
    assert.equal(seen.at(-1)[1].action, action, String(code));
    assert.notEqual(seen.at(-1)[1].message, "");
    world.pass(120_000);
    assert.equal(world.sockets.length, 1, String(code));
  }
});

test("what a restart or an overload ends is tried again", () => {
  for (const code of [1000, 1001, 1006, 1011, 1012, 1013, 4503, 4508, 4510]) {
    assert.equal(afterClose(code).action, "reconnect", String(code));
  }
});

test("a flood waits a minute", () => {
  const { world } = started();
  world.socket.opens();
  world.socket.ends(4429);
  world.pass(60_249);
  assert.equal(world.sockets.length, 1);
  world.pass(1);
  assert.equal(world.sockets.length, 2);
});

test("a sign-in that was too late is tried once more", () => {
  const { world, seen } = started();
  world.socket.opens();
  world.socket.ends(4408);
  world.pass(1_000);
  assert.equal(world.sockets.length, 2);
  world.socket.opens();
  world.socket.ends(4408);
  world.pass(120_000);
  assert.equal(world.sockets.length, 2);
  assert.equal(seen.at(-1)[1].action, "stop");
});

test("a page that wakes up demands an answer soon", () => {
  const { world, socket, seen } = started();
  world.socket.opens();
  socket.wake();
  assert.deepEqual(world.socket.sent.at(-1), { type: "ping", t: "wake" });
  world.pass(PROBE_MS);
  assert.deepEqual(kinds(seen), ["open", "silent", "closed"]);
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
  assert.deepEqual(kinds(seen), ["open"]);
});

test("at most two timers run, however often it reconnects", () => {
  const { world } = started();
  for (let number = 0; number < 50; number += 1) {
    world.socket.opens();
    world.socket.says({ type: "heartbeat" });
    world.socket.ends(1006);
    world.pass(500);
    assert.ok(world.timers.size <= 2);
  }
});
