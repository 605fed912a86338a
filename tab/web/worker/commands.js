// The calls of a page to a cluster that its Worker starts: the rest of the start, and a shell.
import { unlessCancelled } from "./dispatcher.js";
import { newOutput } from "./output.js";

/** The exit code of a command that Ctrl-C has ended. */
const INTERRUPTED = { code: 130, status: 0 };

/**
 * Return `start` of a compiled program, whose steps `report` gets, and the callees of a page.
 *
 * @typedef {(...report: any[]) => void} Report
 */
export const newCommands = () => {
  /** @type {any} */
  const scope = globalThis;
  // The step of the start, and the one who wants to know.
  let step = "", tell = (/** @type {string} */ _) => {};
  /** @type {{untilNode: () => Promise<void>}} */
  let server;
  return {
    /** @param {WebAssembly.Module} module @param {Report} report */
    async start(module, report) {
      tell = (name) => report("step", name);
      server = await scope.startServer(module, {
        onStep: (/** @type {string} */ name) => {
          step = name;
          tell(name);
        },
      });
    },
    // The rest of the start, which goes on while commands run.
    async node(/** @type {any[]} */ _, /** @type {Report} */ report) {
      tell = (name) => report("step", name);
      tell(step);
      await server.untilNode();
    },
    /** @param {any[]} values @param {Report} report @param {AbortSignal} signal */
    async shell([script, input, session], report, signal) {
      const request = JSON.stringify({ script, input, session });
      const { add, end } = newOutput(report);
      return unlessCancelled(
        signal, INTERRUPTED, () => scope.kubernetes.shell(request, add, signal).finally(end));
    },
  };
};
