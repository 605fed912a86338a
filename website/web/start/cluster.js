// The cluster of a visit: one start for each kind of page. It outlives the page that began it.

import { Closed, Connection, startWorker } from "./connection.js";
import { Progress, showTime } from "./progress.js";

/**
 * @typedef {(word: string, ...values: any[]) => string} Say
 * @typedef {{
 *   at: Record<string, any>, say: Say, show: (phase: string, text: string) => void,
 * }} Page
 * @typedef {{
 *   connection: Connection, script: string, progress: Progress, began: number, isReady: boolean,
 * }} Running
 * @typedef {{
 *   script: URL, serves?: URL[], onBegin?: () => void,
 *   begin: (connection: Connection, report: (...report: any[]) => void) => Promise<any>,
 *   onReady: (connection: Connection, running: Running, isNew: boolean) => any,
 *   onEnd?: () => void, onTaken?: () => Promise<any>,
 * }} Ways the Worker of a page; others whose clusters serve it, too; what it does with them
 */

/** The cluster of this tab. @type {Running | undefined} */
let running;
/** That of the page which is shown, if a cluster can start on it. @type {Cluster | undefined} */
let shown;
/** That of the lesson which has the cluster's Python. @type {Cluster | undefined} */
let holder;
/** Resolves when no lesson before that one uses it. @type {Promise<any>} */
let taken = Promise.resolve();

/** Return whether something would end with this document. */
export const isRunning = () => Boolean(running);

/** Return the lesson of the page that is left, if it has the cluster's Python and goes on. */
export const leavePage = () => {
  const left = shown;
  shown = undefined;
  return left === holder ? left : undefined;
};

/** Close what runs, and have no holder of its Python. */
const close = () => {
  running?.connection.close();
  running = holder = undefined;
};

/** Seconds since a time of performance.now(). @param {number} began */
export const secondsSince = (began) => ((performance.now() - began) / 1000).toFixed(0);

/** Start, show and end the cluster on one page. */
export class Cluster {
  #page;
  #ways;

  /** @param {Page} page @param {Ways} ways */
  constructor(page, ways) {
    this.#page = page;
    this.#ways = ways;
    const { at, say } = page;
    at.start.onclick = () => this.start();
    at.cancel.onclick = () => { this.stop(say("stopped")); at.start.focus(); };
    at.restart.onclick = () => {
      if (!confirm(say("anew"))) return;
      this.stop("");
      this.start();
    };
    at.state.tabIndex = -1;
  }

  /** The connection, if its page is the one that uses it. */
  get connection() {
    return running?.isReady && this.isServed ? running.connection : undefined;
  }

  /** Whether what runs is for this page. */
  get isServed() {
    const { script, serves = [] } = this.#ways;
    return [script, ...serves].some(({ href }) => href === running?.script);
  }

  /** Whether this page's own Worker is ready. */
  get isOwn() {
    return Boolean(this.connection) && running?.script === this.#ways.script.href;
  }

  /** Show on this page what runs; return whether anything does. */
  attach() {
    shown = this;
    if (!running || !this.isServed) return false;
    if (running.isReady) this.#ways.onReady(running.connection, running, false);
    else this.#follow(running);
    return true;
  }

  /** @param {string} why */
  stop(why) {
    close();
    this.#ways.onEnd?.();
    this.rest(why);
  }

  /** Show that nothing runs. @param {string} why */
  rest(why) {
    this.#page.at.loaded.textContent = "";
    if (this.isShown) this.#page.show("able", why);
  }

  /** Whether its page is the one that is shown. */
  get isShown() {
    return shown === this;
  }

  async start() {
    const { at, say } = this.#page, { script, begin, onBegin } = this.#ways;
    // One of another kind, of another page of this visit.
    if (running && !confirm(say("anew"))) return;
    close();
    const worker = startWorker(script);
    const connection = new Connection(worker), progress = new Progress(say);
    /** @type {Running} */
    const own = {
      connection, script: script.href, progress, began: performance.now(), isReady: false,
    };
    running = own;
    worker.onerror = ({ message = "" }) => {
      if (running === own) end(message || script.pathname.replace(/.*\/_static\/[^/]*\//, ""));
    };
    onBegin?.();
    this.#follow(own);
    // *Start*, which had the focus, is hidden now.
    at.state.focus({ preventScroll: true });
    at.state.scrollIntoView({ block: "nearest" });
    // Loaded with the cluster, and not before.
    import("./exchange.js").then(({ keepPages }) => keepPages(say), () => {});
    try {
      await begin(connection, (...report) => {
        if (running !== own || !takeReport(progress, report)) return;
        if (shown?.isServed) shown.#page.at.state.textContent = progress.sentence;
      });
    } catch (error) {
      if (!(error instanceof Closed) && running === own) {
        end(/** @type {Error} */ (error).message);
      }
      return;
    }
    if (running !== own) return;
    own.isReady = true;
    if (shown?.isServed) shown.#ways.onReady(connection, own, true);
  }

  /** Show a start that goes on. @param {Running} own */
  #follow(own) {
    const { at, show } = this.#page;
    show("starting", own.progress.sentence);
    const isStarting = () => running === own && !own.isReady && shown === this;
    showTime(own.progress, at, isStarting);
  }

  /**
   * Take the cluster's Python from the lesson that has it, whose page no longer goes on; return
   * whether no other lesson has taken it meanwhile.
   */
  async hold() {
    const before = holder;
    holder = this;
    taken = taken.then(() => (before ? before.#ways.onTaken?.() : undefined));
    await taken;
    return this.isHolder;
  }

  /** Whether its lesson has the cluster's Python. */
  get isHolder() {
    return holder === this;
  }

  /** Say on this page that it has ended. @param {string} reason */
  fail(reason) {
    const { at, say } = this.#page;
    const isStarting = running && !running.isReady;
    this.stop(isStarting ? say("failed", at.state.textContent, reason) : say("ended", reason));
  }
}

/** End what runs, for a reason. @param {string} reason */
const end = (reason) => {
  if (shown?.isServed) shown.fail(reason);
  else close();
};

/**
 * Take what a Worker reports of a start; return whether there is something new to tell.
 *
 * @param {Progress} progress
 * @param {any[]} report
 */
const takeReport = (progress, [kind, ...values]) =>
  kind === "loading" ? progress.update(values[0], values[1]) : progress.step(values[0] ?? kind);
