// The page of a lesson, which can run.
"use strict";
globalThis.onPage(() => {
  /** Gigabytes of memory of a machine that has room for cluster and Python. */
  const ROOM = 8;
  const page = globalThis.pageParts("run", "run-words");
  // Lessons that cannot run in a tab have a sentence in place of the button.
  if (!page.at.start) return;
  globalThis.offerServer("run", page, {
    // Python waits for the cluster by JavaScript Promise Integration.
    reason: () => globalThis.obstacle(ROOM) || ("Suspending" in WebAssembly ? "" : "promises"),
    load: () => import(new URL("notebook/lesson.js", page.base).href)
      .then(({ connect }) => connect(page)),
    failed: "unloaded",
  });
});
