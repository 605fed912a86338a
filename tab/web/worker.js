// A Web Worker with the cluster: what the page can call of it, and what is behind each call.
import "./wasm_exec.js";
import "./files.js";
import "./server.js";
import { dispatch, unlessCancelled } from "./worker/dispatcher.js";
import { download } from "./worker/download.js";
import { newOutput } from "./worker/output.js";

/** The exit code of a command that Ctrl-C has ended. */
const INTERRUPTED = { code: 130, status: 0 };
/** What the start is doing, and who wants to know. */
let step = "", tell = () => {};
let server;

dispatch(self, {
  // A page that has started a server before has its program: a WebAssembly.Module.
  async start([program], report) {
    const module = typeof program === "string" ? await download(program, report) : program;
    if (module === program) report();
    tell = (name) => report("step", name);
    server = await startServer(module, {
      onStep: (name) => {
        step = name;
        tell(name);
      },
    });
    return module;
  },
  // The rest of the start, which goes on while commands run.
  async node(_, report) {
    tell = (name) => report("step", name);
    tell(step);
    await server.untilNode();
  },
  shell: ([script, input, session], report, signal) => {
    const request = JSON.stringify({ script, input, session });
    const { add, end } = newOutput(report);
    return unlessCancelled(
      signal, INTERRUPTED, () => kubernetes.shell(request, add, signal).finally(end));
  },
});
