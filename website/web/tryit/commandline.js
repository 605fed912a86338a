// The reader's own line: its callers, what was typed before, and a link to it.

/** The name of a command in the fragment of a link, which a browser sends to no host. */
const NAME = "line";

/**
 * Return the lines as one has to type them for another caller: options are added to the command at
 * the beginning of each, by its program. `NAME=$(…)` stays: the caller of a variable is written in
 * it.
 *
 * @param {string} lines
 * @param {Record<string, string | undefined>} options by program
 */
export const withCaller = (lines, options) => lines
  .replace(/\\\n\s*/g, "")
  .split("\n")
  .map((line) => line.replace(/^\s*(\S+)/, (start, name) => start + (options[name] ?? "")))
  .join("\n");

/** Return lines with the prompts of a shell. @param {string} lines */
export const withPrompt = (lines) => `$ ${lines.replace(/\n/g, "\n> ")}\n`;

/** What was typed, the newest first; ↑ and ↓ go through it. */
export class History {
  /** @type {string[]} */
  #lines = [];
  #place = 0;

  /** @param {string} line */
  add(line) {
    this.#lines = [line, ...this.#lines.filter((earlier) => earlier !== line)];
    this.#place = 0;
  }

  /**
   * Return the line that is `step` lines earlier; "" beyond the newest.
   *
   * @param {number} step 1, or -1 for a later one
   */
  go(step) {
    this.#place = Math.max(-1, Math.min(this.#place + step, this.#lines.length - 1));
    return this.#lines[this.#place] ?? "";
  }
}

/** Return the command that an address brings, or "". @param {string} address */
export const commandOf = (address) =>
  new URLSearchParams(new URL(address).hash.slice(1)).get(NAME)?.trim() ?? "";

/**
 * Return an address that brings a command to the line of a page.
 *
 * @param {string} address of the page
 * @param {string} command
 */
export const linkTo = (address, command) => {
  const link = new URL(address);
  link.hash = new URLSearchParams({ [NAME]: command }).toString();
  return link.href;
};
