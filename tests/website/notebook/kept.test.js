import assert from "node:assert/strict";
import { test } from "node:test";
import { Kept } from "../../../website/web/notebook/kept.js";

const newStore = () => {
  const values = new Map();
  return {
    values,
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, text) => values.set(name, text),
    removeItem: (name) => values.delete(name),
  };
};
const attempt = (time) => `{"time": ${time}}\n`;

test("the text of a cell is kept by lesson, until it is forgotten", () => {
  const store = newStore(), kept = new Kept(() => store, "en/02");
  kept.keep("connect", "1 + 1");
  kept.keep("server", "2");
  new Kept(() => store, "ko/02").keep("connect", "3");
  assert.deepEqual(new Kept(() => store, "en/02").texts, { connect: "1 + 1", server: "2" });
  kept.keep("connect", "");
  assert.deepEqual(kept.texts, { server: "2" });
  kept.keep("server", "");
  new Kept(() => store, "ko/02").keep("connect", "");
  assert.equal(store.values.size, 0);
});

test("attempts of two tabs are kept once each", () => {
  const store = newStore(), kept = new Kept(() => store, "en/02");
  assert.equal(kept.attempts, "");
  kept.addAttempts(attempt(1));
  new Kept(() => store, "en/05").addAttempts(attempt(2));
  kept.addAttempts(attempt(1) + attempt(3));
  assert.equal(kept.attempts, attempt(1) + attempt(2) + attempt(3));
});

test("a file has all of it, and nothing remains when it is forgotten", () => {
  const store = newStore(), kept = new Kept(() => store, "en/02");
  kept.keep("connect", "1");
  kept.addAttempts(attempt(1) + "torn");
  assert.deepEqual(JSON.parse(kept.toFile()),
    { cells: { "en/02": { connect: "1" } }, attempts: [{ time: 1 }, "torn"] });
  const file = kept.toFile(), { attempts } = kept;
  kept.addFile(file);
  assert.equal(kept.attempts, attempts);
  kept.forget();
  assert.equal(store.values.size, 0);
  kept.keep("connect", "2");
  kept.keep("server", "3");
  kept.addFile(file);
  assert.deepEqual(kept.texts, { connect: "1", server: "3" });
  assert.equal(kept.attempts, `${JSON.stringify({ time: 1 })}\ntorn\n`);
});

test("a file of something else changes nothing", () => {
  const store = newStore(), kept = new Kept(() => store, "en/02");
  const others = ["", "[1", "[1]", "null", "{}", '{"cells": {}}', '{"cells": 1, "attempts": []}'];
  for (const text of others) assert.throws(() => kept.addFile(text));
  assert.equal(store.values.size, 0);
  kept.addFile('{"cells": {"en/02": {"connect": 1, "server": "2"}, "a": "b"}, "attempts": []}');
  assert.deepEqual(kept.texts, { server: "2" });
  assert.deepEqual(JSON.parse(kept.toFile()).cells, { "en/02": { server: "2" } });
});

test("a browser that keeps nothing, or something else, is no fault", () => {
  const kept = new Kept(() => { throw new Error("refused"); }, "en/02");
  kept.keep("connect", "1");
  kept.addAttempts(attempt(1));
  assert.deepEqual([kept.texts, kept.attempts], [{}, ""]);
  assert.throws(() => kept.addFile('{"cells": {}, "attempts": []}'));
  const store = newStore();
  store.setItem("kubernetes-api-notebooks/cells", "[broken");
  assert.deepEqual(new Kept(() => store, "en/02").texts, {});
});
