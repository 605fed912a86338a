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

/** Return whether two commands are the same but for their spaces. @param {string[]} commands */
export const areSame = (...commands) => new Set(
  commands.map((lines) => lines.replace(/\\\n/g, " ").trim().replace(/\s+/g, " ")),
).size === 1;

/** Commands that read a file of another host, and the address. */
const APPLY = /^\s*kubectl\b[^\n;|&]*?\s(?:-f|--filename)[ =]?['"]?(https?:\/\/[^\s'";|&]+)/m;
const DOWNLOAD = /^\s*wget\s[^\n;|&]*?['"]?(https?:\/\/[^\s'";|&]+)(?:['"]?\s+-O[ =]?(\S+))?/m;

/**
 * Return the address that a command would read a file from, and the name that the file gets; or
 * undefined.
 *
 * @param {string} lines
 */
export const foreignFile = (lines) => {
  const whole = lines.replace(/\\\n/g, "");
  const [, url, name] = APPLY.exec(whole) ?? DOWNLOAD.exec(whole) ?? [];
  return url ? { url, name: name ?? new URL(url).pathname.split("/").pop() ?? "" } : undefined;
};

/** Return a word of a shell that is a text. @param {string} text */
export const quoted = (text) =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

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
