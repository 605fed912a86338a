// What the page says of a start: the step, the share of the download, and the time.

/** Words for the steps of the program, by its names for them. */
const STEPS = new Map(Object.entries({
  "making keys": "keys",
  "starting the etcd": "starting",
  "starting the API server": "starting",
  "starting kube-controller-manager": "controllers",
  "starting kube-scheduler": "scheduler",
  "starting the kubelet": "kubelet",
  "waiting for the node": "node",
  "importing": "importing",
}));
/** Which part of a start is over when a step begins, of some that were measured. */
const SHARES = new Map(Object.entries({
  "compiling": 0.3, "keys": 0.4, "starting": 0.42, "controllers": 0.8, "scheduler": 0.82,
  "kubelet": 0.85, "node": 0.9, "importing": 0.95,
}));

/** @typedef {(word: string, ...values: any[]) => string} Say */

/** Parts of the download of which each is told: 5 %. */
const PARTS = 20;
/** Bytes of which each step is told where the total is unknown. */
const STEP = 10e6;
/** Milliseconds after which the time that is left can be judged, and a start is called slow. */
const JUDGED = 3000, SLOW = 120_000;

/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

export class Progress {
  /** The sentence of the moment. @type {string} */
  sentence;
  /** @type {number | string} */
  #part = -1;
  /** @type {Say} */
  #say;
  /** @type {() => number} */
  #clock;
  #began;
  /** Bytes that are loaded, and their total; 0 outside of a download. */
  #loaded = 0;
  #total = 0;
  #share = 0;

  /**
   * @param {Say} say
   * @param {() => number} clock milliseconds
   */
  constructor(say, clock = () => performance.now()) {
    this.#say = say;
    this.#clock = clock;
    this.#began = clock();
    this.sentence = say("loading", 0, "…");
  }

  /**
   * Take what download.js reports; return whether there is something new to tell.
   *
   * @param {number} loaded
   * @param {number} total
   */
  update(loaded, total) {
    [this.#loaded, this.#total] = loaded === total ? [0, 0] : [loaded, total];
    if (loaded === total) return this.#tell(PARTS + 1, "compiling");
    const part = Math.floor(total ? (PARTS * loaded) / total : loaded / STEP);
    return this.#tell(part, "loading", megabytes(loaded), total ? megabytes(total) : "…");
  }

  /**
   * Take the name of a step of the program; return whether there is something new to tell.
   *
   * @param {string} name
   */
  step(name) {
    const word = STEPS.get(name);
    return word ? this.#tell(word, word) : false;
  }

  /**
   * @param {number | string} part
   * @param {string} word
   * @param {string[]} values
   */
  #tell(part, word, ...values) {
    if (part === this.#part) return false;
    this.#part = part;
    this.#share = SHARES.get(word) ?? 0;
    this.sentence = this.#say(word, ...values);
    return true;
  }

  /** The part of the start that is over, of 1. */
  get share() {
    if (!this.#total) return this.#share;
    return (this.#loaded / this.#total) * (SHARES.get("compiling") ?? 0);
  }

  /**
   * The time that is left of a download, or else how long the start has taken so far, and what
   * helps a slow one.
   */
  get time() {
    const elapsed = this.#clock() - this.#began, loaded = this.#loaded, total = this.#total;
    if (elapsed > SLOW) return this.#say("slow", Math.floor(elapsed / 1000));
    if (!total || elapsed < JUDGED) return this.#say("elapsed", Math.floor(elapsed / 1000));
    return this.#say("left", Math.ceil((elapsed * (total - loaded)) / loaded / 1000));
  }
}

/**
 * Show the time and the share of a start each second, until it has ended.
 *
 * @param {Progress} progress
 * @param {Record<string, any>} at its elements: no screen reader reads `loaded` out
 * @param {() => boolean} isStarting
 */
export const showTime = (progress, { loaded, bar }, isStarting) => {
  const show = () => {
    if (!isStarting()) return clearInterval(timer);
    loaded.textContent = progress.time;
    bar.value = progress.share;
  };
  const timer = setInterval(show, 1000);
  bar.value = progress.share;
};
