// Show outputs in an element: those of a cell, or of an output widget.

import { ELSEWHERE, fragmentOf } from "./html.js";
import { Outputs } from "./outputs.js";

/** Milliseconds between two looks at what has been shown meanwhile. */
const PAUSE = 100;
/** Classes of outputs, which the style sheet of the site knows. */
const CLASSES = {
  text: "output stream", errors: "output stream errors", traceback: "output traceback",
  html: "output text_html", image: "output image", unseen: "output unseen",
  view: "output view",
};
/** Elements that show something without text. */
const SILENT = "img, hr, table";

/**
 * @typedef {(word: string, ...values: any[]) => string} Say
 * @typedef {import("./outputs.js").Output} Output
 * @typedef {import("./outputs.js").Shown} Shown
 * @typedef {{
 *   show: (id: string, place: HTMLElement) => Promise<(() => void) | undefined>,
 * }} Views
 * @typedef {{say: Say, views: Views}} Page
 * @typedef {{shown: Shown, element: HTMLElement, end: () => void, settled: Promise<any>}} Drawn
 */

/** Return elements that show a text. @param {string} text */
const textOf = (text) => {
  const frame = document.createElement("div"), pre = document.createElement("pre");
  frame.className = "highlight";
  pre.textContent = text;
  frame.append(pre);
  return frame;
};

/** @param {string} html @param {Say} say */
const htmlOf = (html, say) => {
  const fragment = fragmentOf(html);
  const isSilent = !fragment.textContent?.trim() && !fragment.querySelector(SILENT);
  const elsewhere = fragment.querySelector(`.${ELSEWHERE}`) ? ` ${say("picture")}` : "";
  return [isSilent ? say("unseen") : fragment, elsewhere];
};

export class Area {
  #place;
  #page;
  #outputs = new Outputs();
  /** @type {Drawn[]} */
  #drawn = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} place @param {Page} page */
  constructor(place, page) {
    this.#place = place;
    this.#page = page;
  }

  /** Show an output soon. @param {Output} output */
  add(output) {
    this.#outputs.add(output);
    this.#timer ??= setTimeout(() => this.draw(), PAUSE);
  }

  /** Show these, and no others. @param {Output[]} outputs */
  replace(outputs) {
    this.#outputs = new Outputs();
    for (const output of outputs) this.#outputs.add(output);
    this.draw();
  }

  /** Show at once what is there; what has not changed keeps its element. */
  draw() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { shown } = this.#outputs;
    for (const [number, one] of shown.entries()) {
      const before = this.#drawn[number];
      if (before && ["kind", "content", "plain"].every((part) =>
        before.shown[/** @type {"kind"} */ (part)] === one[/** @type {"kind"} */ (part)])) {
        continue;
      }
      const drawn = this.#newDrawn(one);
      if (before) before.element.replaceWith(drawn.element);
      else this.#place.append(drawn.element);
      before?.end();
      this.#drawn[number] = drawn;
    }
    for (const { element, end } of this.#drawn.splice(shown.length)) {
      element.remove();
      end();
    }
    // A text that scrolls can be reached by keyboard; a shadow says that it goes on to the side.
    for (const text of this.#place.querySelectorAll("pre")) {
      const isWide = text.scrollWidth > text.clientWidth;
      if (isWide || text.scrollHeight > text.clientHeight) text.tabIndex = 0;
      text.classList.toggle("wide", isWide);
    }
  }

  /** Resolves when each view, or its text, is shown. */
  get settled() {
    return Promise.all(this.#drawn.map(({ settled }) => settled));
  }

  /** @param {Shown} shown @returns {Drawn} */
  #newDrawn(shown) {
    const { kind, content, plain, html } = shown, { say } = this.#page;
    const element = document.createElement("div");
    element.className = CLASSES[kind];
    const drawn = { shown, element, end: () => {}, settled: Promise.resolve() };
    if (kind === "view") drawn.settled = this.#show(drawn);
    else if (kind === "unseen") element.append(say("unseen"));
    else if (kind === "html") element.append(...htmlOf(html ?? content, say));
    else if (kind === "image") {
      element.append(Object.assign(new Image(), { src: content, alt: plain }));
    } else element.append(textOf(content));
    return drawn;
  }

  /** Show a view, or a sentence and what says the same. @param {Drawn} drawn */
  async #show(drawn) {
    const { element, shown: { content, plain, html } } = drawn, { say, views } = this.#page;
    let isEnded = false;
    drawn.end = () => { isEnded = true; };
    let sentence = say("other");
    try {
      const end = await views.show(content, element);
      if (end) {
        // Its cell may have run again.
        if (isEnded) end();
        else drawn.end = end;
        return;
      }
    } catch (error) {
      sentence = say("viewless", /** @type {Error} */ (error).message);
    }
    const text = document.createElement("p");
    text.append(sentence);
    element.replaceChildren(text, ...html ? htmlOf(html, say) : [textOf(plain)]);
  }
}
