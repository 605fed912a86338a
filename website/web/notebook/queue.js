// The cells that are to run, one after the other.

/**
 * @template T
 * @typedef {{cell: T, goesOn: boolean}} Entry whether the others run after its failure
 */

/** @template T */
export class Queue {
  /** @type {Entry<T>[]} */
  #waiting = [];
  #isRunning = false;
  #run;
  #onWait;
  #onSkip;

  /**
   * @param {(cell: T) => Promise<boolean>} run whether it has succeeded
   * @param {(cell: T) => void} onWait
   * @param {(cell: T) => void} onSkip for one that has waited, and does not run
   */
  constructor(run, onWait, onSkip) {
    this.#run = run;
    this.#onWait = onWait;
    this.#onSkip = onSkip;
  }

  /**
   * Run cells after those that wait; one that waits already keeps its place. After a failure,
   * those that wait do not run.
   *
   * @param {Entry<T>[]} entries
   */
  async add(entries) {
    for (const entry of entries) {
      if (this.#waiting.some(({ cell }) => cell === entry.cell)) continue;
      this.#waiting.push(entry);
      this.#onWait(entry.cell);
    }
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let entry; (entry = this.#waiting.shift());) {
        const isDone = await this.#run(entry.cell);
        if (!isDone && !entry.goesOn) this.clear();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Let none of those run that wait. */
  clear() {
    for (const { cell } of this.#waiting.splice(0)) this.#onSkip(cell);
  }
}
