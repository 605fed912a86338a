// A Web Worker with the API server: what the page can call of it, and what is behind each call.
import "./wasm_exec.js";
import "./files.js";
import "./server.js";
import "./shell.js";
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
  shell: ([lines, input], report, signal) =>
    unlessCancelled(signal, INTERRUPTED, () => shell(lines, input, report, signal)),
  request: ([request], report, signal) =>
    unlessCancelled(signal, { error: "cancelled" }, () => send(request, report)),
});
