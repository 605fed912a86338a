// A Web Worker with the cluster: what the page can call of it, and what is behind each call.
import "./wasm_exec.js";
import "./files.js";
import "./server.js";
import { dispatch, unlessCancelled } from "./page/dispatcher.js";
import { download } from "./page/download.js";

/** What a shell says of a command that Ctrl-C has ended. */
const INTERRUPTED = { code: 130, status: 0 };

dispatch(self, {
  // A page that has started a server before has its program: a WebAssembly.Module.
  async start([program], report) {
    const module = typeof program === "string" ? await download(program, report) : program;
    if (module === program) report();
    await startServer(module);
    return module;
  },
  shell: ([script, input, session], report, signal) => {
    const request = JSON.stringify({ script, input, session });
    return unlessCancelled(
      signal, INTERRUPTED, () => kubernetes.shell(request, report, signal));
  },
});
