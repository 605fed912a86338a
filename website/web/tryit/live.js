// A genuine API server for the page: its start and end, live answers, the reader's line, the drill.

import {
  areSame, commandOf, foreignFile, History, linkTo, quoted, withCaller, withPrompt,
} from "./commandline.js";
import { Cluster, secondsSince } from "../start/cluster.js";
import { Closed } from "../start/connection.js";
import { judge, permissionsOf } from "./drill.js";

const PROGRAM = "kube-apiserver.wasm.gz";
/** Milliseconds after which a page that is hidden gives its memory back. */
const HIDDEN = 5 * 60_000;
/** Lines of the command that are seen at once. */
const LINES = 8;
/** Names of the shell whose variables all commands of the page share, and of that of the drill. */
const SESSION = "page", DRILL = "drill";

/** The compiled program: another start needs no download. @type {WebAssembly.Module | undefined} */
let program;

/**
 * @typedef {{
 *   command: string, recorded: string, answer: HTMLElement, label: HTMLElement,
 *   run: HTMLButtonElement, stop: HTMLButtonElement,
 *   tell: (whence: string, code: number) => void,
 * }} Block
 * @typedef {(word: string, ...values: any[]) => string} Say
 */

/**
 * Let a page start a server, and send it commands.
 *
 * @param {{
 *   base: URL, at: Record<string, any>, blocks: Block[], say: Say, signal: AbortSignal,
 *   show: (phase: string, text: string) => void,
 * }} page try.js has made
 */
export const connect = (page) => {
  const { base, at, blocks, say, show, signal } = page;
  /** @type {string[]} */
  let usual = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let hidden;
  const phase = () => document.body.dataset.tab;

  const cluster = new Cluster(page, {
    script: new URL("worker.js", base),
    serves: [new URL("python/worker.js", base)],
    onBegin: () => {
      // Answers of an earlier server, and the verdict on it.
      for (const { answer, label } of blocks) {
        answer.hidden = true;
        label.textContent = "";
      }
      for (const place of [at.node, at.output, at.verdict]) if (place) place.textContent = "";
    },
    begin: async (connection, report) => {
      const given = program ?? new URL(PROGRAM, base).href;
      program = await connection.call("start", [given], report).result;
    },
    onReady: async (connection, running, isNew) => {
      try {
        // Read before the reader can grant anything.
        if (at.drill) usual = await permissionsOf(outputOf, "default", "drill");
      } catch {
        // The end of the server is told by the cluster.
        return;
      }
      show("ready", isNew ? say("ready", secondsSince(running.began)) : say("runs"));
      if (isNew) followNode(connection, running);
    },
  });
  /**
   * Say what the start of the node is doing, and when pods can run.
   *
   * @param {import("../start/connection.js").Connection} started
   * @param {import("../start/cluster.js").Running} running
   */
  const followNode = async (started, { progress, began }) => {
    /** @param {string} sentence */
    const tell = (sentence) => {
      if (cluster.connection === started) at.node.textContent = sentence;
    };
    try {
      await started.call("node", [], (_, name) => {
        if (progress.step(name)) tell(progress.sentence);
      }).result;
      tell(say("whole", secondsSince(began)));
    } catch (error) {
      tell(say("late", progress.sentence, /** @type {Error} */ (error).message));
    }
  };
  /**
   * Run lines, and write their output; return {code, status}, or undefined if they did not run.
   *
   * @param {string} lines
   * @param {HTMLElement} place
   * @param {HTMLButtonElement} button that stops them
   * @param {{isLog?: boolean, input?: string}} options a log is not written anew
   */
  const run = async (lines, place, button, { isLog = false, input = "" } = {}) => {
    const { connection } = cluster;
    if (!connection) return undefined;
    if (place.ariaBusy) return void place.append(`${say("busy")}\n`);
    place.ariaBusy = "true";
    // The theme takes a hidden place out of the order of Tab.
    Object.assign(place, { hidden: false, tabIndex: 0 });
    // A screen reader would read out all of a log that is written anew.
    if (isLog) place.append(withPrompt(lines)); else place.textContent = "";
    place.scrollIntoView({ block: "nearest" });
    let isStopped = false;
    /** @param {string} text */
    const write = (text) => {
      // What it writes until it has heard of it, a terminal would not show either.
      if (isStopped) return;
      place.append(text);
      if (isLog) place.scrollTop = place.scrollHeight;
    };
    const { result, cancel } = connection.call("shell", [lines, input, SESSION], write);
    button.hidden = false;
    button.onclick = () => {
      cancel();
      write(`${say("interrupted")}\n`);
      isStopped = true;
    };
    try {
      return await result;
    } catch (error) {
      if (!(error instanceof Closed)) write(/** @type {Error} */ (error).message);
      return undefined;
    } finally {
      place.ariaBusy = null;
      button.hidden = true;
    }
  };

  for (const { command, answer, label, run: runButton, stop: stopButton, tell } of blocks) {
    runButton.onclick = async () => {
      label.textContent = say("waiting");
      const result = await run(command, answer, stopButton);
      if (result) tell("live", result.status);
      else if (label.textContent === say("waiting")) label.textContent = "";
    };
  }

  /** Write into the shell's log. @param {string} lines @param {(string | Node)[]} answer */
  const answerWith = (lines, ...answer) => {
    at.output.append(withPrompt(lines), ...answer, "\n");
    at.output.scrollTop = at.output.scrollHeight;
  };
  /** Answer without a server, if that is recorded. @param {string} lines */
  const showRecorded = (lines) => {
    const block = blocks.find(({ command }) => areSame(command, lines));
    answerWith(lines, ...block ? [block.recorded, say("recorded")] : [say("unrecorded")]);
  };
  /**
   * Say how to get a file of another host.
   *
   * @param {string} lines
   * @param {{url: string, name: string}} file
   */
  const refuseForeign = (lines, { url, name }) => {
    const [before, after] = say("foreign", "\n", name).split("\n");
    const link = Object.assign(document.createElement("a"), {
      href: url, textContent: url, target: "_blank", rel: "noreferrer",
    });
    answerWith(lines, before, link, after);
    at.name.value = name;
    at.files.open = true;
  };

  // The reader's line, with a caller, and what was typed before.
  const history = new History();
  const fit = () => { at.line.rows = Math.min(LINES, at.line.value.split("\n").length); };
  /** @param {string} text */
  const fill = (text) => { at.line.value = text; fit(); };
  at.own.onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const typed = at.line.value.trim();
    if (!typed) return;
    history.add(typed);
    at.line.select();
    if (!cluster.connection) return showRecorded(typed);
    const foreign = foreignFile(typed);
    if (foreign) return refuseForeign(typed, foreign);
    const lines = withCaller(typed, at.caller.selectedOptions[0].dataset);
    run(lines, at.output, at.stop, { isLog: true, input: at.manifest.value });
  };
  /** @type {Promise<unknown>} */
  let saved = Promise.resolve();
  at.file.onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const lines = `cat > ${quoted(at.name.value)}`;
    saved = run(lines, at.output, at.stop, { isLog: true, input: at.manifest.value });
  };
  at.open.onclick = async () => {
    const line = `cat ${quoted(at.name.value)}`;
    let text = "";
    /** @param {string} more */
    const add = (more) => { text += more; };
    // Until then the file is empty.
    await saved;
    const call = cluster.connection?.call("shell", [line, "", SESSION], add);
    const isRead = (await call?.result.catch(() => undefined))?.code === 0;
    if (isRead) at.manifest.value = text;
    answerWith(line, isRead ? say("opened", at.name.value) : text);
  };
  at.line.oninput = fit;
  at.line.onkeydown = (/** @type {KeyboardEvent} */ event) => {
    const { value, selectionStart, selectionEnd } = at.line;
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      return at.own.requestSubmit();
    }
    if (event.key === "c" && event.ctrlKey && selectionStart === selectionEnd && !at.stop.hidden) {
      event.preventDefault();
      return at.stop.click();
    }
    // Within several lines, the keys move the cursor.
    const isAtEdge = event.key === "ArrowUp" ? !value.slice(0, selectionStart).includes("\n")
      : event.key === "ArrowDown" && !value.slice(selectionEnd).includes("\n");
    if (!isAtEdge) return;
    event.preventDefault();
    fill(history.go(event.key === "ArrowUp" ? 1 : -1));
  };
  at.link.onclick = async () => {
    await navigator.clipboard.writeText(linkTo(location.href, at.line.value.trim()));
    at.copied.textContent = say("copied");
  };
  // A link brings a command, which its reader alone runs.
  const bring = () => {
    const command = commandOf(location.href);
    if (!command) return;
    fill(command);
    if (phase() === "ready") at.line.focus();
    else if (!/starting|unable/.test(phase() ?? "")) show("able", say("brought"));
  };
  addEventListener("hashchange", bring, { signal });

  // The reader may have gone to another directory.
  /** @param {string} line */
  const outputOf = async (line) => {
    let text = "";
    /** @param {string} more */
    const add = (more) => { text += more; };
    await cluster.connection?.call("shell", [line, "", DRILL], add).result;
    return text;
  };
  if (at.drill) {
    at.check.onclick = async () => {
      at.verdict.textContent = say("waiting");
      try {
        at.verdict.textContent = await judge(outputOf, say, usual, at.drill.dataset.line);
      } catch (error) {
        const { message } = /** @type {Error} */ (error);
        at.verdict.textContent = error instanceof Closed ? "" : message;
      }
    };
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (!document.hidden || !cluster.isOwn) return;
    hidden = setTimeout(() => {
      // Its machine code is memory, too.
      program = undefined;
      cluster.stop(say("hidden"));
    }, HIDDEN);
  }, { signal });
  if (!cluster.attach()) showRecorded(at.line.value);
  bring();
  fit();
};
