import assert from "node:assert/strict";
import { test } from "node:test";
import { Outputs } from "../../../website/web/notebook/outputs.js";

const stream = (text, name = "stdout") => ({ output_type: "stream", name, text });
const display = (data, display_id, output_type = "display_data") =>
  ({ output_type, data, transient: { display_id } });
const shown = (...reports) => {
  const outputs = new Outputs();
  for (const report of reports) outputs.add(report);
  return outputs.shown.map(({ kind, content }) => [kind, content]);
};

test("pieces of one stream are one text", () => {
  assert.deepEqual(shown(stream("a"), stream("b\n"), stream("c", "stderr"), stream("d")),
    [["text", "ab\n"], ["errors", "c"], ["text", "d"]]);
});

test("a report is not changed", () => {
  const first = stream("a");
  shown(first, stream("b"));
  assert.equal(first.text, "a");
});

test("a text is shown as by a terminal", () => {
  assert.deepEqual(shown(stream("10 %\r20 %\r\n\x1b[31mred\x1b[0m\n")), [["text", "20 %\nred\n"]]);
});

test("the Worker bounds a text, and the page shows all that it sends", () => {
  const [[, text]] = shown(...Array(150).fill(stream("x".repeat(999) + "\n")), stream("end"));
  assert.equal(text.length, 150_003);
});

test("of many outputs the last ones are shown", () => {
  const many = Array.from({ length: 1000 }, (_, number) => display({ "text/plain": `${number}` }));
  const kept = shown(...many);
  assert.deepEqual([kept.length, kept[0], kept[1], kept.at(-1)],
    [201, ["text", "…"], ["text", "800"], ["text", "999"]]);
  assert.deepEqual(shown(...many, { output_type: "clear_output" }, stream("a")), [["text", "a"]]);
});

test("the best type of data is shown", () => {
  const data = { "text/plain": "plain", "text/html": ["<b>", "bold</b>"] };
  assert.deepEqual(shown(display(data)), [["html", "<b>bold</b>"]]);
  assert.deepEqual(shown(display({ "text/plain": ["a", "b"] })), [["text", "ab"]]);
  assert.deepEqual(shown(display({ ...data, "image/png": "AA\nBB" })),
    [["image", "data:image/png;base64,AABB"]]);
  assert.deepEqual(shown(display({ "image/svg+xml": "<svg/>" })),
    [["image", "data:image/svg+xml,%3Csvg%2F%3E"]]);
});

test("a view of a widget is shown by its id, and has its text", () => {
  const type = "application/vnd.jupyter.widget-view+json";
  const data = { [type]: { model_id: "1f" }, "text/plain": "3 pods", "image/png": "AA" };
  assert.deepEqual(shown(display(data)), [["view", "1f"]]);
  const outputs = new Outputs();
  outputs.add(display({ ...data, "text/html": "<b>3</b>" }));
  const [{ plain, html }] = outputs.shown;
  assert.deepEqual([plain, html], ["3 pods", "<b>3</b>"]);
});

test("a form that a page cannot show is no text, and Python's own name says nothing", () => {
  const plain = "<IPython.core.display.Javascript object>";
  assert.deepEqual(shown(display({ "text/plain": plain, "application/javascript": "1" })),
    [["unseen", plain]]);
  assert.deepEqual(shown(display({ "text/plain": plain })), [["text", plain]]);
});

test("a display is updated by its name", () => {
  const [one, two] = ["1", "2"].map((text) => ({ "text/plain": text }));
  assert.deepEqual(
    shown(display(one, "a"), display(one, "b"), display(two, "b", "update_display_data")),
    [["text", "1"], ["text", "2"]]);
  assert.deepEqual(shown(display(one), display(two, undefined, "update_display_data")),
    [["text", "1"]]);
});

test("outputs are cleared at once, or by the next one", () => {
  const clear = (wait) => ({ output_type: "clear_output", wait });
  assert.deepEqual(shown(stream("a"), clear(false)), []);
  assert.deepEqual(shown(stream("a"), clear(true)), [["text", "a"]]);
  assert.deepEqual(shown(stream("a"), clear(true), stream("b"), stream("c")), [["text", "bc"]]);
});

test("an error is shown by its traceback", () => {
  const error = { output_type: "error", ename: "E", evalue: "no", traceback: ["a", "b"] };
  assert.deepEqual(shown(error), [["traceback", "a\nb"]]);
});
