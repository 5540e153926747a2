/** The golden files that pytest and node read alike. */

import { readFileSync, readdirSync } from "node:fs";

const ROOT = new URL("../contract/", import.meta.url);

/** @param {string} path below tests/contract */
export function golden(path) {
  return JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));
}

/** Every case of folding events into items, whoever wrote it. */
export function folds() {
  return readdirSync(ROOT)
    .filter((name) => name.endsWith(".json"))
    .map(golden)
    .filter((content) => content.before && content.events && content.after);
}

/** Every case of the rules of a client, and the frames they name. */
export function clientCases() {
  const cases = readdirSync(ROOT)
    .filter((name) => name.startsWith("client_") && name !== "client_frames.json")
    .sort()
    .flatMap(golden);
  return { cases, frames: golden("client_frames.json") };
}
