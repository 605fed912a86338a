// What the browser keeps of a reader: texts of cells by lesson, and the attempts at exercises.

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store */

const CELLS = "kubernetes-api-notebooks/cells";
/** Lines of JSON, as helpers/course/attempts.py writes them. */
const ATTEMPTS = "kubernetes-api-notebooks/attempts";

/** Return the lines of a text. @param {string} text */
const linesOf = (text) => text.split("\n").filter((line) => line.trim());

/** Return the value of a line, of one that was torn the line. @param {string} line */
const valueOf = (line) => {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
};

/** Return whether a value is an object of names and values. @param {unknown} value */
const isObject = (value) => Object(value) === value && !Array.isArray(value);

export class Kept {
  #store;
  #lesson;

  /**
   * @param {() => Store} store a browser can refuse to have one
   * @param {string} lesson
   */
  constructor(store, lesson) {
    this.#store = store;
    this.#lesson = lesson;
  }

  /** @param {string} name */
  #read(name) {
    try {
      return this.#store().getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  /** @param {string} name @param {string} text */
  #write(name, text) {
    try {
      if (text) this.#store().setItem(name, text);
      else this.#store().removeItem(name);
      return true;
    } catch {
      // It is there until the page is left.
      return false;
    }
  }

  /** @returns {Record<string, Record<string, string>>} */
  #lessons() {
    try {
      return Object(JSON.parse(this.#read(CELLS)));
    } catch {
      // Another page can have kept something else.
      return {};
    }
  }

  /** The texts of this lesson, by the names of cells. */
  get texts() {
    return this.#lessons()[this.#lesson] ?? {};
  }

  /** Keep the text of a cell; "" forgets it. @param {string} cell @param {string} text */
  keep(cell, text) {
    const { [cell]: _, ...others } = this.texts;
    const texts = text ? { ...others, [cell]: text } : others;
    const { [this.#lesson]: __, ...lessons } = this.#lessons();
    if (Object.keys(texts).length) lessons[this.#lesson] = texts;
    this.#write(CELLS, Object.keys(lessons).length ? JSON.stringify(lessons) : "");
  }

  /** The attempts of all lessons. */
  get attempts() {
    return this.#read(ATTEMPTS);
  }

  /** Keep further attempts: another tab may have kept others. @param {string} text */
  addAttempts(text) {
    // Python puts spaces into its lines, and a file of them has none.
    const lines = new Map();
    for (const line of [...linesOf(this.attempts), ...linesOf(text)]) {
      const key = JSON.stringify(valueOf(line));
      if (!lines.has(key)) lines.set(key, `${line}\n`);
    }
    return this.#write(ATTEMPTS, [...lines.values()].join(""));
  }

  /** Return all that is kept, of all lessons, as a file. */
  toFile() {
    const attempts = linesOf(this.attempts).map(valueOf);
    return `${JSON.stringify({ cells: this.#lessons(), attempts }, null, 1)}\n`;
  }

  /**
   * Keep what such a file has, in place of what is here of its cells. Throw an error for another
   * file, and where nothing can be kept.
   *
   * @param {string} text
   */
  addFile(text) {
    const { cells, attempts } = JSON.parse(text);
    if (!isObject(cells) || !Array.isArray(attempts)) throw new Error("another file");
    const lessons = this.#lessons();
    for (const [lesson, texts] of Object.entries(cells)) {
      for (const [cell, text] of isObject(texts) ? Object.entries(texts) : []) {
        if (typeof text === "string") lessons[lesson] = { ...lessons[lesson], [cell]: text };
      }
    }
    const lines = attempts.map((line) => typeof line === "string" ? line : JSON.stringify(line));
    const isKept = this.#write(CELLS, JSON.stringify(lessons))
      && this.addAttempts(lines.join("\n"));
    if (!isKept) throw new Error("this browser keeps nothing");
  }

  /** Forget all of it, of all lessons. */
  forget() {
    this.#write(CELLS, "");
    this.#write(ATTEMPTS, "");
  }
}
