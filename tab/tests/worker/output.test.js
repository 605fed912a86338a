// The messages of a command that writes much.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newOutput } from "../../web/worker/output.js";

test("the first text is sent at once, the next ones together", async () => {
  const sent = [];
  let time = 0;
  const output = newOutput((text) => sent.push(text), () => time);
  for (const text of ["a", "b", "c"]) output.add(text);
  assert.deepEqual(sent, ["a"]);
  time = 100;
  output.add("d");
  assert.deepEqual(sent, ["a", "bcd"]);
  output.add("e");
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(sent, ["a", "bcd", "e"]);
  output.add("f");
  output.end();
  assert.equal(sent.join(""), "abcdef");
});

test("an endless command sends no more than a page can show", () => {
  const sent = [];
  const output = newOutput((text) => sent.push(text));
  for (let i = 0; i < 100_000; i++) output.add("Hello\n");
  output.end();
  const text = sent.join("");
  assert.ok(text.startsWith("Hello\nHello\n") && text.length < 200_100);
  assert.ok(text.endsWith("\n… 400000 more characters are not shown\n"));
});
