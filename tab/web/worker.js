// A Web Worker with the cluster: what the page can call of it, and what is behind each call.
import "./wasm_exec.js";
import "./files.js";
import "./server.js";
import { newCommands } from "./worker/commands.js";
import { dispatch } from "./worker/dispatcher.js";
import { compile, newDownload } from "./worker/download.js";

const { start, ...commands } = newCommands();

dispatch(self, {
  ...commands,
  // A page that has started a server before has its program: a WebAssembly.Module.
  async start([program], report) {
    const download = newDownload(1, (loaded, total) => report("loading", loaded, total));
    const module = typeof program === "string" ? await compile(download, program) : program;
    await start(module, report);
    return module;
  },
});
