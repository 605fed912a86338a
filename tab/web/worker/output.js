// The output of a command, in few messages: a page that gets each line of an endless loop stands
// still.

/** Milliseconds between two messages. */
const PAUSE = 100;
/** Characters of the beginning and of the end of a command's output that a page shows. */
const FIRST = 100_000, LAST = 50_000;

/**
 * Return `add` for each text of a command, `flush` for what is to be sent at once, and `end` for
 * its end; `send` gets texts: the beginning as it comes, and at the end how many characters are
 * left out, and the last ones.
 *
 * @param {(text: string) => void} send
 * @param {() => number} clock milliseconds
 */
export const newOutput = (send, clock = () => performance.now()) => {
  let kept = "", length = 0, last = "", left = 0, sent = -PAUSE;
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
      const shown = text.slice(0, FIRST - length);
      kept += shown;
      length += shown.length;
      last += text.slice(shown.length);
      // Seldom, so that a long text is not copied for each line.
      if (last.length > 2 * LAST) {
        left += last.length - LAST;
        last = last.slice(-LAST);
      }
      // A program that computes lets no timer run.
      if (clock() - sent >= PAUSE) flush();
      else timer ??= setTimeout(flush, PAUSE);
    },
    flush,
    end() {
      const over = last.length - LAST;
      if (left + over > 0) {
        left += Math.max(over, 0);
        if (over > 0) last = last.slice(over);
        kept += `\n… ${left} characters are not shown\n`;
      }
      kept += last;
      flush();
    },
  };
};
