// A code cell of the page: its editor, its controls, and what it shows.

import { Area } from "./area.js";
import { newLine } from "./typing.js";

/** Milliseconds after which the reader can stop what a view has begun. */
const LONG = 1000;
/** Tags of a cell whose text the reader is to write, and of one that checks it. */
const EXERCISE = "exercise", CHECK = "check";

/**
 * @typedef {(word: string, ...values: any[]) => string} Say
 * @typedef {import("./outputs.js").Output} Output
 * @typedef {import("../start/connection.js").Running} Running
 * @typedef {{
 *   id: string, source: string, tags: string[], number: number, lack: string,
 * }} Facts
 * @typedef {{
 *   text?: string, onText: (text: string) => void, onRun: (cell: Cell) => void,
 *   onRunAbove: (cell: Cell) => void, onRunBelow: (cell: Cell) => void,
 *   onNew: (cell: Cell) => void, onStop: (cell: Cell) => void, onAnew: () => void,
 *   onNext: (cell: Cell) => void,
 * }} Reader what the reader has written, and does
 */

export class Cell {
  #place;
  #facts;
  #say;
  #reader;
  #area;
  /** Calls of views that take long. @type {Set<Running>} */
  #long = new Set();
  #began = 0;
  #isRunning = false;
  #controls;
  #state;
  #buttons;
  #editor;
  #input;
  #live;
  #recorded;

  /**
   * @param {HTMLElement} place
   * @param {Facts} facts
   * @param {{controls: HTMLTemplateElement, say: Say, views: import("./area.js").Views}} page
   * @param {Reader} reader
   */
  constructor(place, facts, { controls, say, views }, reader) {
    this.#place = place;
    this.#facts = facts;
    this.#say = say;
    this.#reader = reader;
    this.#input = /** @type {HTMLElement} */ (place.querySelector(".cell_input"));
    // The output of a solution stays folded below what the reader's own answer shows.
    this.#recorded = /** @type {HTMLElement | null} */ (
      place.querySelector(":scope > .cell_output"));
    const copy = /** @type {DocumentFragment} */ (controls.content.cloneNode(true));
    this.#controls = /** @type {HTMLElement} */ (copy.querySelector("p"));
    const [run, above, below, edit, added, original, stop, anew] =
      this.#controls.querySelectorAll("button");
    this.#buttons = { run, edit, original, stop, anew };
    this.#state = /** @type {HTMLElement} */ (this.#controls.querySelector("span"));
    this.#controls.role = "group";
    this.#controls.ariaLabel = say("cell", facts.number);
    this.#controls.className = "buttons run-controls";
    this.#live = document.createElement("div");
    this.#live.className = "cell_output live";
    this.#live.hidden = true;
    this.#area = new Area(this.#live, { say, views });
    this.#editor = this.#newEditor();
    this.#input.after(this.#controls, this.#live);
    if (facts.lack) {
      this.#controls.replaceChildren(say("elsewhere", say(facts.lack)));
      return;
    }
    run.onclick = () => this.#run();
    above.onclick = () => reader.onRunAbove(this);
    above.hidden = facts.number === 1;
    below.onclick = () => reader.onRunBelow(this);
    added.onclick = () => reader.onNew(this);
    edit.onclick = () => { this.#edit(); this.#editor.focus(); };
    original.onclick = () => { this.restore(); edit.focus(); };
    stop.onclick = () => {
      run.focus();
      for (const { cancel } of this.#long) cancel();
      if (this.#isRunning) reader.onStop(this);
    };
    anew.onclick = () => reader.onAnew();
    original.hidden = true;
    // A click selects a cell, as in JupyterLab.
    place.tabIndex = -1;
    place.onkeydown = (event) => {
      const target = /** @type {Node} */ (event.target);
      const isSelected = target === place || this.#input.contains(target);
      if (isSelected && event.key === "Enter" && event.shiftKey) this.#runAndGoOn(event);
    };
    if (reader.text !== undefined) this.write(reader.text);
    this.reset();
  }

  /** Its element on the page. */
  get place() {
    return this.#place;
  }

  /** Its name in the lesson, and that of its runs. */
  get id() {
    return this.#facts.id;
  }

  get tags() {
    return this.#facts.tags;
  }

  get canRun() {
    return !this.#facts.lack;
  }

  /** The text that runs. */
  get source() {
    return this.#editor.isConnected ? this.#editor.value : this.#facts.source;
  }

  /** Give the editor, or else *Run*, the focus. */
  focus() {
    (this.#editor.isConnected ? this.#editor : this.#buttons.run).focus();
  }

  /** Show what was recorded. */
  reset() {
    this.#area.replace([]);
    this.#place.style.minHeight = "";
    this.#setRunning(false);
    this.#live.className = "cell_output live";
    this.#live.hidden = true;
    if (this.#recorded) this.#recorded.hidden = false;
    this.#state.textContent = this.canRun && this.#recorded ? this.#say("recorded") : "";
  }

  /** Be ready for a cluster that starts: a stub is there to be edited. */
  prepare() {
    this.reset();
    if (this.canRun && this.tags.includes(EXERCISE)) this.#edit();
  }

  /** Say that it waits for the cells before it. */
  wait() {
    this.#state.textContent = this.#say("waiting");
  }

  /** Say that it does not run after all. */
  skip() {
    this.#state.textContent = this.#say("skipped");
  }

  begin() {
    // All that is below stays where it is until there is something to show.
    const height = this.#place.offsetHeight;
    this.reset();
    this.#place.style.minHeight = `${height}px`;
    this.#began = performance.now();
    this.#setRunning(true);
    if (this.#recorded) this.#recorded.hidden = true;
    this.#live.hidden = false;
    this.#state.textContent = this.#say("running");
  }

  /** @param {Output} output */
  add(output) {
    this.#area.add(output);
  }

  /**
   * Let the reader stop what a view has begun, if that takes long.
   *
   * @param {Running} call
   */
  async attend(call) {
    const timer = setTimeout(() => {
      this.#long.add(call);
      if (!this.#isRunning) this.#state.textContent = this.#say("working");
      this.#buttons.stop.hidden = false;
    }, LONG);
    await call.result.catch(() => {});
    clearTimeout(timer);
    if (!this.#long.delete(call) || this.#long.size || this.#isRunning) return;
    this.#setRunning(false);
    this.#state.textContent = "";
  }

  /** @param {boolean} isDone */
  end(isDone) {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1);
    this.#draw();
    this.#setRunning(false);
    this.#live.classList.toggle("passed", isDone && this.tags.includes(CHECK));
    this.#state.textContent = this.#say(isDone ? "done" : "raised", seconds);
  }

  /** Say that the Worker could not run it. @param {string} message */
  fail(message) {
    this.#draw();
    this.#setRunning(false);
    this.#state.textContent = this.#say("broken", message);
  }

  /** Say that it does not stop. */
  refuse() {
    this.#buttons.anew.hidden = false;
    this.#state.textContent = this.#say("endless");
  }

  /** Have the reader's text in the editor. @param {string} text */
  write(text) {
    if (!this.canRun) return;
    this.#edit();
    this.#editor.value = text;
    this.#buttons.original.hidden = text === this.#facts.source;
    this.#fit();
  }

  /** Show the text of the lesson, and forget the reader's. */
  restore() {
    if (!this.canRun) return;
    this.#editor.value = this.#facts.source;
    this.#buttons.original.hidden = true;
    this.#reader.onText("");
    if (!this.tags.includes(EXERCISE)) {
      this.#editor.replaceWith(this.#input);
      this.#buttons.edit.hidden = false;
    }
    this.#fit();
  }

  /** @param {boolean} isRunning */
  #setRunning(isRunning) {
    const { stop, run, anew } = this.#buttons;
    if (!isRunning && document.activeElement === stop) run.focus();
    this.#isRunning = isRunning;
    // It stays where it is: a second click is none on what comes into its place.
    run.ariaDisabled = isRunning ? "true" : null;
    stop.hidden = !isRunning && !this.#long.size;
    anew.hidden = true;
  }

  #run() {
    if (this.#isRunning) this.#state.textContent = this.#say("already");
    else this.#reader.onRun(this);
  }

  /** @param {Event} event */
  #runAndGoOn(event) {
    event.preventDefault();
    this.#run();
    this.#reader.onNext(this);
  }

  #draw() {
    this.#area.draw();
    this.#area.settled.then(() => { this.#place.style.minHeight = ""; });
  }

  #newEditor() {
    const editor = document.createElement("textarea");
    Object.assign(editor, {
      value: this.#facts.source, className: "run-editor", spellcheck: false,
      autocapitalize: "none", ariaLabel: this.#say("code", this.#facts.number),
    });
    editor.oninput = () => {
      const isEdited = editor.value !== this.#facts.source;
      this.#buttons.original.hidden = !isEdited;
      this.#reader.onText(isEdited ? editor.value : "");
      this.#fit();
    };
    editor.onkeydown = (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      if (event.shiftKey) return this.#runAndGoOn(event);
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) return this.#run();
      // In this way the editor's own undo knows of it.
      document.execCommand("insertText", false, newLine(editor.value, editor.selectionStart));
    };
    return editor;
  }

  #edit() {
    if (this.#editor.isConnected) return;
    this.#input.replaceWith(this.#editor);
    this.#buttons.edit.hidden = true;
    this.#buttons.original.hidden = this.#editor.value === this.#facts.source;
    this.#fit();
  }

  #fit() {
    this.#editor.rows = this.#editor.value.split("\n").length;
  }
}
