// The Worker's side of connection.js, which has the messages: do what the page calls.

/**
 * @typedef {(...report: any[]) => void} Report
 * @typedef {(values: any[], report: Report, signal: AbortSignal) => Promise<any>} Callee
 * @typedef {{
 *   postMessage: (message: any) => void, onmessage: ((event: any) => void) | null,
 * }} Scope
 */

/**
 * Answer the messages of a Worker's global scope. A call that is cancelled has an aborted signal;
 * its result or failure is still its answer.
 *
 * @param {Scope} scope
 * @param {Record<string, Callee>} callees
 */
export const dispatch = (scope, callees) => {
  /** @type {Map<number, AbortController>} */
  const running = new Map();
  scope.onmessage = async ({ data: { id, name, values, cancel } }) => {
    if (cancel !== undefined) return running.get(cancel)?.abort();
    const controller = new AbortController();
    running.set(id, controller);
    /** @param {Record<string, any>} reply */
    const reply = (reply) => running.has(id) && scope.postMessage({ id, ...reply });
    try {
      const report = (/** @type {any[]} */ ...report) => reply({ report });
      reply({ result: await callees[name](values, report, controller.signal) });
    } catch (error) {
      reply({ failure: error instanceof Error ? error.message : String(error) });
    }
    running.delete(id);
  };
};

/**
 * Return a promise of work's result; of `result` as soon as the signal is aborted.
 *
 * Work that knows the signal ends, too. A call that cannot end goes on, and nobody hears of it.
 *
 * @template T
 * @param {AbortSignal} signal
 * @param {T} result
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export const unlessCancelled = (signal, result, work) => new Promise((resolve, reject) => {
  signal.addEventListener("abort", () => resolve(result), { once: true });
  work().then(resolve, reject);
});
