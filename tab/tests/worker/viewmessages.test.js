import assert from "node:assert/strict";
import { test } from "node:test";
import { newMessages } from "../../web/worker/viewmessages.js";

const update = (comm_id, state, buffers = []) =>
  JSON.stringify({ type: "comm_msg", comm_id, data: { method: "update", state }, buffers });

/** Return what is sent, in parts, when all comes within one pause. */
const sentOf = (...messages) => {
  const sent = [];
  let now = 0;
  const { add, flush } = newMessages((part) => sent.push(part), () => now);
  // The first one is sent at once.
  add(update("first", {}));
  for (const message of messages) add(message);
  flush();
  return sent.slice(1).flat();
};

test("the first message is sent at once, and others soon", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const { add } = newMessages((part) => sent.push(part.length), () => 0);
  for (let count = 0; count < 3; count++) add(update(`${count}`, {}));
  assert.deepEqual(sent, [1]);
  context.mock.timers.tick(60);
  assert.deepEqual(sent, [1, 2]);
});

test("of a value that changes again, only the last one is sent", () => {
  const sent = sentOf(...Array.from({ length: 1000 }, (_, value) => update("a", { value })),
    update("a", { max: 5 }));
  assert.deepEqual(sent.map(({ data }) => data.state), [{ value: 999, max: 5 }]);
});

test("messages of a comm keep their order around one that is no value", () => {
  const custom = JSON.stringify({
    type: "comm_msg", comm_id: "a", data: { method: "custom" }, buffers: [],
  });
  const sent = sentOf(update("a", { value: 1 }), custom, update("a", { value: 2 }),
    update("a", { value: 3 }, ["AA=="]), update("b", { value: 4 }));
  assert.deepEqual(sent.map(({ data }) => data.state?.value), [1, undefined, 2, 3, 4]);
});

test("nothing is sent where there is nothing", () => {
  assert.deepEqual(sentOf(), []);
});
