// A Web Worker with the cluster: what the page can call of it, and what is behind each call.
import "./wasm_exec.js";
import "./files.js";
import "./server.js";
import { newCommands } from "./worker/commands.js";
import { dispatch } from "./worker/dispatcher.js";
import { download } from "./worker/download.js";

const { start, ...commands } = newCommands();

dispatch(self, {
  ...commands,
  // A page that has started a server before has its program: a WebAssembly.Module.
  async start([program], report) {
    const module = typeof program === "string" ? await download(program, report) : program;
    if (module === program) report();
    await start(module, report);
    return module;
  },
});
