// What a command writes, in few messages: a page that gets each line of an endless loop stands
// still.

/** Milliseconds between two messages. */
const PAUSE = 100;
/** Characters of a command that a page shows. */
const MOST = 200_000;

/**
 * Return `add` for each text of a command, `flush` for what is to be sent at once, and `end` for
 * its end; `send` gets texts, all but those beyond MOST characters, whose number ends the last one.
 *
 * @param {(text: string) => void} send
 * @param {() => number} clock milliseconds
 */
export const newOutput = (send, clock = () => performance.now()) => {
  let kept = "", length = 0, left = 0, sent = -PAUSE;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (kept) send(kept);
    kept = "";
    sent = clock();
  };
  return {
    /** @param {string} text */
    add(text) {
      const shown = text.slice(0, MOST - length);
      kept += shown;
      length += shown.length;
      left += text.length - shown.length;
      // A program that computes lets no timer run.
      if (clock() - sent >= PAUSE) flush();
      else timer ??= setTimeout(flush, PAUSE);
    },
    flush,
    end() {
      if (left) kept += `\n… ${left} more characters are not shown\n`;
      flush();
    },
  };
};
