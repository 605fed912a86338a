// Calls of a page and what a Worker does with them: both sides of the messages at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Closed, Connection } from "../../../website/web/start/connection.js";
import { dispatch, unlessCancelled } from "../../../tab/web/worker/dispatcher.js";

/** Return a page's Worker and the global scope in it, which get messages of each other. */
const pair = () => {
  const worker = { onmessage: null, ended: false, terminate() { this.ended = true; } };
  const scope = { onmessage: null };
  const deliver = (to) => (data) => queueMicrotask(() => to.onmessage({ data }));
  worker.postMessage = deliver(scope);
  scope.postMessage = deliver(worker);
  return { worker, scope };
};

test("calls run at once, and each gets its own reports and result", async () => {
  const { worker, scope } = pair();
  const waiting = {};
  dispatch(scope, {
    async echo([text], report) {
      report(`${text}: begun`);
      await new Promise((resolve) => { waiting[text] = resolve; });
      return text;
    },
  });
  const connection = new Connection(worker), reports = [];
  const calls = ["one", "two"].map((text) =>
    connection.call("echo", [text], (report) => reports.push(report)));
  await new Promise(setImmediate);
  waiting.two();
  assert.equal(await calls[1].result, "two");
  waiting.one();
  assert.equal(await calls[0].result, "one");
  assert.deepEqual(reports, ["one: begun", "two: begun"]);
});

test("an error of the Worker is one of the page, with the same message", async () => {
  const { worker, scope } = pair();
  dispatch(scope, {
    async fails() { throw new RangeError("Out of memory"); },
    // As Go does, in a promise that it rejects.
    fails_with_text: () => Promise.reject("no error"),
  });
  const connection = new Connection(worker);
  await assert.rejects(connection.call("fails", []).result, { message: "Out of memory" });
  await assert.rejects(connection.call("fails_with_text", []).result, { message: "no error" });
  await assert.rejects(connection.call("nosuch", []).result, { message: /not a function/ });
});

test("a call that is cancelled ends, and what it reports later is not heard", async () => {
  const { worker, scope } = pair();
  let signalled = false, report;
  dispatch(scope, {
    watch: (_, onReport, signal) => unlessCancelled(signal, { code: 130 }, () => {
      report = onReport;
      signal.addEventListener("abort", () => { signalled = true; });
      return new Promise(() => {});
    }),
  });
  const reports = [], connection = new Connection(worker);
  const call = connection.call("watch", [], (text) => reports.push(text));
  await new Promise(setImmediate);
  report("ADDED");
  call.cancel();
  assert.deepEqual(await call.result, { code: 130 });
  report("DELETED");
  await new Promise(setImmediate);
  assert.deepEqual([reports, signalled], [["ADDED"], true]);
  // A second press of the button is too late.
  call.cancel();
});

test("the end of a Worker is the end of its calls", async () => {
  const { worker, scope } = pair();
  let report;
  dispatch(scope, {
    waits: (_, onReport) => { report = onReport; return new Promise(() => {}); },
  });
  const connection = new Connection(worker), reports = [];
  const { result } = connection.call("waits", [], (text) => reports.push(text));
  await new Promise(setImmediate);
  connection.close();
  await assert.rejects(result, Closed);
  assert.ok(worker.ended);
  // Messages of a Worker may arrive after its end.
  report("late");
  await new Promise(setImmediate);
  assert.deepEqual(reports, []);
});
