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
  for (let i = 0; i < 100_000; i++) output.add(`Hello ${i}\n`);
  output.end();
  const text = sent.join("");
  assert.ok(text.startsWith("Hello 0\nHello 1\n") && text.endsWith("Hello 99998\nHello 99999\n"));
  const whole = 6 * 100_000 + 10 + 90 * 2 + 900 * 3 + 9000 * 4 + 90_000 * 5 + 100_000;
  const [said, left] = /\n… (\d+) characters are not shown\n/.exec(text);
  assert.equal(text.length - said.length + Number(left), whole);
  assert.ok(text.length < 150_100);
});

test("a text that fits is whole, and so is one whose end is long", () => {
  for (const length of [0, 1, 100_000, 100_001, 149_999, 150_000]) {
    const sent = [];
    const output = newOutput((text) => sent.push(text));
    output.add("x".repeat(length));
    output.end();
    assert.equal(sent.join(""), "x".repeat(length));
  }
});
