// Why no server can start in this window; run.js and try.js have the sentences.
"use strict";
{
  const SMALL = "(max-width: 600px), (pointer: coarse) and (max-height: 600px)";
  /** The media query of a window in which nothing starts. */
  globalThis.smallWindow = matchMedia(SMALL);
  /** Return the name of what is missing, or ""; `room` is the gigabytes that the machine needs. */
  globalThis.obstacle = (room) => location.protocol === "file:" ? "file"
    : globalThis.smallWindow.matches ? "narrow"
    : navigator.deviceMemory < room ? "memory"
    : globalThis.WebAssembly && globalThis.DecompressionStream ? "" : "old";
}
