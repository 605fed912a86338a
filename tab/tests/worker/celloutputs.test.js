// The messages of a cell that shows much.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newOutputs } from "../../web/worker/celloutputs.js";

const stream = (text, name = "stdout") => JSON.stringify({ output_type: "stream", name, text });

test("what a cell shows keeps its order", () => {
  const sent = [];
  const outputs = newOutputs((output) => sent.push(output));
  const shown = JSON.stringify({ output_type: "display_data", data: {} });
  for (const json of [
    stream("a"), stream("b"), stream("c", "stderr"), stream("d"), stream("e"), shown, stream("f"),
  ]) outputs.add(json);
  outputs.end();
  const short = sent.map(({ name, text, output_type: type }) => text ? [name, text] : type);
  assert.deepEqual(short, [
    ["stdout", "a"], ["stdout", "b"], ["stderr", "c"], ["stdout", "de"], "display_data",
    ["stdout", "f"],
  ]);
});

test("an endless loop sends no more than a page can show", () => {
  const sent = [];
  const outputs = newOutputs(({ text }) => sent.push(text));
  for (let i = 0; i < 100_000; i++) outputs.add(stream("Hello\n"));
  outputs.end();
  assert.ok(sent.length < 100 && sent.join("").length < 150_100);
  assert.match(sent.at(-1), /\n… 450000 characters are not shown\n/);
});
