// A lesson that runs: its start and end, and the cells of the page with their controls.

import { Closed, Connection, startWorker } from "../start/connection.js";
import { Progress, showTime } from "../start/progress.js";
import { Cell } from "./cell.js";
import { Kept } from "./kept.js";
import { Queue } from "./queue.js";

/** Where a lesson's code runs, below the learner's home. */
const HOME = "/root/notebooks";
/** Milliseconds after which a cell that does not stop is called so. */
const PATIENCE = 5000;
/** Tags of cells that may fail while the cells below go on. */
const FAILING = ["check", "raises-exception"];
/** Needs of cells that a tab lacks, as their tags and the sentences of the page name them. */
const LACKS = ["python", "proxy", "audit", "authorities", "bodies", "server"];

/** @typedef {(word: string, ...values: any[]) => string} Say */

/** Return what a cell with these tags needs and a tab lacks, or "". @param {string[]} tags */
const lackOf = (tags) => LACKS.find((lack) => tags.includes(`not-in-tab: ${lack}`)) ?? "";

/** Return the directory of a lesson's code. @param {string} address of its notebook */
const folderOf = (address) => {
  const path = new URL(address).pathname;
  // On the site the language comes first.
  const [, language, folder] = /(?:\/(ko))?\/notebooks\/(.*\/)?[^/]*$/.exec(path) ?? [];
  return [HOME, language, folder?.replace(/\/$/, "")].filter(Boolean).join("/");
};

/**
 * Return the code cells of the notebook that the page offers, in their order.
 *
 * @param {string} address
 * @returns {Promise<{id: string, source: string, tags: string[]}[]>}
 */
const readCells = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  const { cells } = await response.json();
  return cells
    .filter((/** @type {any} */ cell) => cell.cell_type === "code")
    .map((/** @type {any} */ { id, source, metadata }) => ({
      id, source: [source].flat().join(""), tags: metadata.tags ?? [],
    }));
};

/**
 * Let a page run its lesson; return what there is to say of an earlier visit, or "".
 *
 * @param {{
 *   base: URL, at: Record<string, any>, say: Say, show: (phase: string, text: string) => void,
 * }} page run.js has made
 */
export const connect = async ({ base, at, say, show }) => {
  const link = /** @type {HTMLAnchorElement} */ (document.querySelector(".lesson a[download]"));
  const { page = "" } = document.body.dataset;
  const kept = new Kept(() => localStorage, `${document.documentElement.lang}/${page}`);
  const notebook = await readCells(link.href);
  const places = [...document.querySelectorAll(".bd-article .cell")];
  if (notebook.length !== places.length) throw new Error("the page and its notebook differ");
  /** @type {Connection | undefined} */
  let connection;
  /** The call of the cell that runs. @type {{cancel: () => void} | undefined} */
  let running;

  const phase = () => document.body.dataset.run;

  /** Run a cell; return whether the cells after it can run. @param {Cell} cell */
  const run = async (cell) => {
    const current = connection;
    if (!current) return false;
    cell.begin();
    const words = [cell.source, cell.tags];
    const call = running = current.call("run", words, (output) => cell.add(output));
    try {
      const isDone = await call.result;
      cell.end(isDone);
      // Before another cell runs: a Worker that ends with it takes them along.
      await current.call("attempts", []).result.then(
        (text) => { if (text) kept.addAttempts(text); },
        () => {},
      );
      return isDone;
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      if (error instanceof Closed) cell.reset();
      else cell.fail(message);
      // An error of the cell is among its outputs: this one is Python's own end.
      if (connection === current && current) stop(say("ended", message));
      return false;
    } finally {
      if (running === call) running = undefined;
    }
  };
  const queue = new Queue(run, (/** @type {Cell} */ cell) => cell.wait(), (cell) => cell.skip());
  const entryOf = (/** @type {Cell} */ cell) =>
    ({ cell, goesOn: cell.tags.some((tag) => FAILING.includes(tag)) });

  const cells = notebook.map((facts, number) => new Cell(
    /** @type {HTMLElement} */ (places[number]),
    { ...facts, number: number + 1, lack: lackOf(facts.tags) },
    { controls: at.controls, say },
    {
      text: kept.texts[facts.id],
      onText: (text) => kept.keep(facts.id, text),
      onRun: (cell) => queue.add([entryOf(cell)]),
      onRunAbove: (cell) => queue.add(
        cells.slice(0, cells.indexOf(cell)).filter(({ canRun }) => canRun).map(entryOf),
      ),
      onStop: (cell) => {
        const stopped = running;
        queue.clear();
        stopped?.cancel();
        setTimeout(() => { if (running && running === stopped) cell.refuse(); }, PATIENCE);
      },
      onNext: (cell) => cells.slice(cells.indexOf(cell) + 1).find(({ canRun }) => canRun)?.focus(),
    },
  ));

  /** @param {string} why */
  const stop = (why) => {
    connection?.close();
    connection = running = undefined;
    queue.clear();
    at.loaded.textContent = "";
    show("able", why);
  };

  const start = async () => {
    const began = performance.now();
    const progress = new Progress(say);
    const worker = startWorker(new URL("python/worker.js", base));
    const started = connection = new Connection(worker);
    worker.onerror = ({ message = "" }) => {
      if (connection !== started) return;
      const reason = message || "python/worker.js";
      stop(phase() === "starting" ? say("failed", at.state.textContent, reason)
        : say("ended", reason));
    };
    for (const cell of cells) cell.prepare();
    at.bar.removeAttribute("value");
    show("starting", progress.sentence);
    showTime(progress, at.loaded, () => connection === started && phase() === "starting");
    at.cancel.focus();
    /** @param {any[]} report what python/worker.js says of a start */
    const onStep = (...report) => {
      if (connection !== started) return;
      const [kind, loaded, total] = report;
      if (kind !== "loading") at.bar.removeAttribute("value");
      else if (total) Object.assign(at.bar, { max: total, value: loaded });
      const isNew = kind === "loading" ? progress.update(loaded, total)
        : kind === "step" && progress.step(loaded);
      if (isNew) at.state.textContent = progress.sentence;
      if (kind === "importing") at.state.textContent = say("importing");
    };
    try {
      await started.call("start", [kept.attempts], onStep).result;
      await started.call("open", [folderOf(link.href)]).result;
    } catch (error) {
      if (error instanceof Closed) return;
      stop(say("failed", at.state.textContent, /** @type {Error} */ (error).message));
      return;
    }
    const isWaiting = [document.body, at.cancel].includes(document.activeElement);
    show("ready", say("ready", ((performance.now() - began) / 1000).toFixed(0)));
    // *Cancel*, which had the focus, is hidden now.
    if (isWaiting) at.state.focus({ preventScroll: true });
  };

  at.start.onclick = start;
  at.cancel.onclick = () => { stop(say("stopped")); at.start.focus(); };
  at.restart.onclick = () => { stop(""); start(); };
  at.state.tabIndex = -1;
  at.export.onclick = () => {
    const address = URL.createObjectURL(new Blob([kept.toFile()], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: address, download: "answers.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address));
    at.done.textContent = say("saved");
  };
  at.import.onclick = () => {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept: ".json" });
    input.onchange = async () => {
      try {
        kept.addFile(await /** @type {FileList} */ (input.files)[0].text());
      } catch {
        at.done.textContent = say("unread");
        return;
      }
      await connection?.call("keep", [kept.attempts]).result.catch(() => {});
      for (const [number, { id }] of notebook.entries()) {
        if (id in kept.texts) cells[number].write(kept.texts[id]);
      }
      at.done.textContent = say("loaded");
    };
    input.click();
  };
  at.forget.onclick = async () => {
    if (!confirm(say("sure"))) return;
    // What the Worker has of them would come back with the next cell.
    await connection?.call("keep", [""]).result.catch(() => {});
    kept.forget();
    for (const cell of cells) cell.restore();
    at.done.textContent = say("forgotten");
  };
  const count = Object.keys(kept.texts).length;
  return count ? say("kept", count) : "";
};
