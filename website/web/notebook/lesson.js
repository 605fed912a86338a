// A lesson that runs: its start and end, and the cells of the page with their controls.

import { Cluster, secondsSince } from "../start/cluster.js";
import { Closed } from "../start/connection.js";
import { Cell } from "./cell.js";
import { Kept } from "./kept.js";
import { Queue } from "./queue.js";

/** Where a lesson's code runs, below the learner's home. */
const HOME = "/root/notebooks";
/** Milliseconds after which a cell that does not stop is called so. */
const PATIENCE = 15_000;
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
 * Let a page run its lesson; return what there is to say of an earlier visit, or ""; undefined if
 * its cluster runs already.
 *
 * @param {{
 *   base: URL, at: Record<string, any>, say: Say, show: (phase: string, text: string) => void,
 * }} parts run.js has made
 */
export const connect = async (parts) => {
  const { base, at, say, show } = parts;
  const link = /** @type {HTMLAnchorElement} */ (document.querySelector(".lesson a[download]"));
  const { page = "" } = document.body.dataset;
  const kept = new Kept(() => localStorage, `${document.documentElement.lang}/${page}`);
  const notebook = await readCells(link.href);
  const places = [...document.querySelectorAll(".bd-article .cell")];
  if (notebook.length !== places.length) throw new Error("the page and its notebook differ");
  /** @typedef {import("../start/connection.js").Running} Running */
  /** The call of the cell that runs. @type {Running | undefined} */
  let running;
  /** How many cells the reader has added. */
  let added = 0;

  /** Run a cell; return whether the cells after it can run. @param {Cell} cell */
  const run = async (cell) => {
    const current = cluster.connection;
    if (!current) return false;
    cell.begin();
    const words = [cell.source, cell.tags, cell.id];
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
      if (cluster.connection === current) cluster.fail(message);
      return false;
    } finally {
      if (running === call) running = undefined;
    }
  };
  const queue = new Queue(run, (/** @type {Cell} */ cell) => cell.wait(), (cell) => cell.skip());
  const entryOf = (/** @type {Cell} */ cell) =>
    ({ cell, goesOn: cell.tags.some((tag) => FAILING.includes(tag)) });

  const cellOf = (/** @type {Element | undefined} */ place) =>
    cells.find((cell) => place && cell.place.contains(place));
  /** @type {Promise<import("./views.js").Views> | undefined} */
  let loaded;
  /** Views, whose script is loaded with the first one. @type {import("./area.js").Views} */
  const views = {
    show: async (id, place) => {
      loaded ??= import("./views.js").then(({ Views }) => new Views({
        base, say,
        connection: () => cluster.connection,
        onCall: (call, where) => cellOf(where)?.attend(call),
        onOutput: (output, where) => cellOf(where)?.add(output),
      }));
      loaded.catch(() => { loaded = undefined; });
      return (await loaded).show(id, place);
    },
  };
  const addAll = (/** @type {Cell[]} */ some) =>
    queue.add(some.filter(({ canRun }) => canRun).map(entryOf));
  /**
   * Return a cell with its controls.
   *
   * @param {HTMLElement} place
   * @param {{id: string, source: string, tags: string[], number: number}} facts
   * @param {{text?: string, onText: (text: string) => void}} texts
   */
  const newCell = (place, facts, texts) => new Cell(
    place,
    { ...facts, lack: lackOf(facts.tags) },
    { controls: at.controls, say, views },
    {
      ...texts,
      onRun: (cell) => queue.add([entryOf(cell)]),
      onRunAbove: (cell) => addAll(cells.slice(0, cells.indexOf(cell))),
      onRunBelow: (cell) => addAll(cells.slice(cells.indexOf(cell))),
      onNew: (cell) => {
        const element = document.createElement("div"), input = document.createElement("div");
        element.className = "cell docutils container own";
        input.className = "cell_input docutils container";
        element.append(input);
        cell.place.after(element);
        const number = cells.length + 1;
        const facts = { id: `own-${++added}`, source: "", tags: ["exercise"], number };
        const own = newCell(element, facts, { onText: () => {} });
        cells.splice(cells.indexOf(cell) + 1, 0, own);
        own.prepare();
        own.focus();
      },
      onStop: (cell) => {
        const stopped = running;
        queue.clear();
        stopped?.cancel();
        setTimeout(() => { if (running && running === stopped) cell.refuse(); }, PATIENCE);
      },
      onAnew: () => at.restart.click(),
      onNext: (cell) => cells.slice(cells.indexOf(cell) + 1).find(({ canRun }) => canRun)?.focus(),
    },
  );
  const cells = notebook.map((facts, number) => newCell(
    /** @type {HTMLElement} */ (places[number]),
    { ...facts, number: number + 1 },
    { text: kept.texts[facts.id], onText: (text) => kept.keep(facts.id, text) },
  ));
  const lessonCells = [...cells];

  /** The sentence of its Python when that was ready, and the call that makes it ready. */
  let told = "", opened = Promise.resolve();
  const cluster = new Cluster(parts, {
    script: new URL("python/worker.js", base),
    onBegin: () => { for (const cell of cells) cell.prepare(); },
    begin: (connection, report) => connection.call("start", [kept.attempts], report).result,
    onReady: async (connection, { began }, isNew) => {
      // This page was left for a while, and has the Python that it had.
      if (cluster.isHolder) return void (told && show("ready", told));
      told = "";
      show("opening", say("opening"));
      try {
        if (!await cluster.hold()) return;
        if (!isNew) for (const cell of cells) cell.prepare();
        opened = connection.call("open", [folderOf(link.href)]).result;
        await opened;
      } catch (error) {
        if (!(error instanceof Closed)) cluster.fail(/** @type {Error} */ (error).message);
        return;
      }
      told = isNew ? say("ready", secondsSince(began)) : say("next");
      if (cluster.isShown) show("ready", told);
    },
    onEnd: () => {
      running = undefined;
      queue.clear();
    },
    // The lesson of another page begins: nothing of this one runs beside it.
    onTaken: async () => {
      queue.clear();
      const call = running;
      call?.cancel();
      await Promise.allSettled([opened, call?.result]);
    },
  });
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
      await cluster.connection?.call("keep", [kept.attempts]).result.catch(() => {});
      for (const [number, { id }] of notebook.entries()) {
        if (id in kept.texts) lessonCells[number].write(kept.texts[id]);
      }
      at.done.textContent = say("loaded");
    };
    input.click();
  };
  at.forget.onclick = async () => {
    if (!confirm(say("sure"))) return;
    // What the Worker has of them would come back with the next cell.
    await cluster.connection?.call("keep", [""]).result.catch(() => {});
    kept.forget();
    for (const cell of lessonCells) cell.restore();
    at.done.textContent = say("forgotten");
  };
  if (cluster.attach()) return undefined;
  const count = Object.keys(kept.texts).length;
  return count ? say("kept", count) : "";
};
