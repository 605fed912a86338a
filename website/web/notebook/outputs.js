// What a cell has shown, of the outputs that its kernel reports: objects of nbformat.

/**
 * @typedef {{
 *   output_type: string, name?: string, text?: string, traceback?: string[], wait?: boolean,
 *   data?: Record<string, any>, transient?: {display_id?: string},
 * }} Output
 * @typedef {{
 *   kind: "text" | "errors" | "traceback" | "html" | "image" | "view" | "unseen",
 *   content: string, plain: string, html?: string,
 * }} Shown `content` is text, HTML, the address of a picture or the id of a widget; `plain`, and
 *   `html` of a widget, say the same; an output that is unseen has a form that a page cannot
 *   show, and no text that says it
 */

/** Outputs that a page can show; of more, the last ones are kept. */
const MOST_OUTPUTS = 200;
/** What stands in the place of those before. @type {Shown} */
const EARLIER = { kind: "text", content: "…", plain: "…" };
/** Pictures by their type, the better one first. */
const PICTURES = ["image/svg+xml", "image/png", "image/jpeg"];
/** The text of an object that has none of its own. */
const NAMELESS = /^<[\w.]+ object( at 0x[\da-f]+)?>$/;
/** The type of a widget's view. */
const VIEW = "application/vnd.jupyter.widget-view+json";
const COLOR = /\x1b\[[0-9;]*m/g;

/** Return a text as a terminal shows it. @param {string} text */
const asShown = (text) => text
  .replace(COLOR, "")
  .replace(/\r\n/g, "\n")
  .replace(/[^\n]*\r(?=[^\n])/g, "")
  .replace(/\r/g, "");

/**
 * Return data of a type as text: nbformat has texts or lists of lines.
 *
 * @param {Output} output
 * @param {string} type
 */
const textOf = ({ data = {} }, type) => {
  const text = data[type] ?? "";
  return Array.isArray(text) ? text.join("") : String(text);
};

/** Return the address of a picture within a page. @param {string} type @param {string} data */
const addressOf = (type, data) => type === "image/svg+xml"
  ? `data:${type},${encodeURIComponent(data)}`
  : `data:${type};base64,${data.replace(/\s/g, "")}`;

/** Return what a page shows of an output. @param {Output} output @returns {Shown} */
const shownOf = (output) => {
  if (output.output_type === "stream") {
    const content = asShown(output.text ?? "");
    return { kind: output.name === "stderr" ? "errors" : "text", content, plain: content };
  }
  if (output.output_type === "error") {
    const content = asShown((output.traceback ?? []).join("\n"));
    return { kind: "traceback", content, plain: content };
  }
  const plain = asShown(textOf(output, "text/plain"));
  const html = textOf(output, "text/html"), id = output.data?.[VIEW]?.model_id;
  if (id) return { kind: "view", content: id, plain, html };
  const type = PICTURES.find((name) => output.data?.[name]);
  if (type) return { kind: "image", content: addressOf(type, textOf(output, type)), plain };
  if (html) return { kind: "html", content: html, plain };
  const isUnseen = NAMELESS.test(plain) && Object.keys(output.data ?? {}).length > 1;
  return { kind: isUnseen ? "unseen" : "text", content: plain, plain };
};

export class Outputs {
  /** @type {Output[]} */
  #kept = [];
  #isOld = false;
  #isCut = false;

  /** Take an output, or a message about earlier ones. @param {Output} output */
  add(output) {
    const type = output.output_type;
    if (type === "clear_output") {
      // With `wait`, they stay until there is a next one.
      this.#isOld = Boolean(output.wait);
      if (!output.wait) this.#clear();
      return;
    }
    if (type === "update_display_data") {
      const name = output.transient?.display_id;
      for (const earlier of this.#kept) {
        if (name && earlier.transient?.display_id === name) earlier.data = output.data;
      }
      return;
    }
    if (this.#isOld) this.#clear();
    const last = this.#kept.at(-1);
    if (type === "stream" && last && last.name === output.name) {
      last.text = (last.text ?? "") + output.text;
    } else {
      this.#kept.push({ ...output });
      if (this.#kept.length > MOST_OUTPUTS) this.#isCut = Boolean(this.#kept.shift());
    }
  }

  #clear() {
    this.#kept = [];
    this.#isOld = this.#isCut = false;
  }

  /** What a page shows. */
  get shown() {
    const shown = this.#kept.map(shownOf).filter(({ content }) => content);
    return this.#isCut ? [EARLIER, ...shown] : shown;
  }
}
