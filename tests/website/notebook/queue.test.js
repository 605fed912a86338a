import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "../../../website/web/notebook/queue.js";

// A queue of names, whose runs the test ends.
const newQueue = () => {
  const events = [], ends = new Map();
  const queue = new Queue(
    (name) => new Promise((resolve) => {
      events.push(`run ${name}`);
      ends.set(name, resolve);
    }),
    (name) => events.push(`wait ${name}`),
    (name) => events.push(`skip ${name}`),
  );
  const end = async (name, isDone = true) => {
    ends.get(name)(isDone);
    await new Promise((resolve) => setTimeout(resolve));
  };
  const entries = (...names) => names.map((cell) => ({ cell, goesOn: cell === "check" }));
  return { queue, events, end, entries };
};

test("cells run one after the other, and wait once", async () => {
  const { queue, events, end, entries } = newQueue();
  queue.add(entries("a"));
  queue.add(entries("b"));
  queue.add(entries("b"));
  await end("a");
  await end("b");
  assert.deepEqual(events, ["wait a", "run a", "wait b", "run b"]);
});

test("after a failure the others do not run, but after one of a check", async () => {
  const { queue, events, end, entries } = newQueue();
  queue.add(entries("check", "a", "b"));
  await end("check", false);
  await end("a", false);
  assert.deepEqual(events.slice(-3), ["run check", "run a", "skip b"]);
  queue.add(entries("c"));
  assert.equal(events.at(-1), "run c");
});

test("those that wait can be cleared", async () => {
  const { queue, events, end, entries } = newQueue();
  queue.add(entries("a", "b"));
  queue.clear();
  await end("a");
  assert.deepEqual(events, ["wait a", "wait b", "run a", "skip b"]);
});
