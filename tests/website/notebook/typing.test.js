import assert from "node:assert/strict";
import { test } from "node:test";
import { newLine } from "../../../website/web/notebook/typing.js";

test("a new line is indented as the one before, and more after a colon", () => {
  for (const [text, added] of [
    ["", "\n"], ["a = 1", "\n"], ["if a:", "\n    "], ["if a:\n    b", "\n    "],
    ["if a:\n    for b in c: ", "\n        "], ["if a:\n    b\n", "\n"],
  ]) assert.equal(newLine(text, text.length), added, text);
  assert.equal(newLine("    a: b", 6), "\n        ");
  assert.equal(newLine("    a b", 5), "\n    ");
});
