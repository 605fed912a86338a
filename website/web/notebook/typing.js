// What a key does to the text of an editor.

/** Characters of one step of indentation. */
const STEP = "    ";

/**
 * Return what Enter writes at a place: a new line that is indented as the one before, and more
 * after a colon.
 *
 * @param {string} text
 * @param {number} place
 */
export const newLine = (text, place) => {
  const line = text.slice(text.lastIndexOf("\n", place - 1) + 1, place);
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  return `\n${indent}${/:\s*$/.test(line) ? STEP : ""}`;
};
