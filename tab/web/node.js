// node node.js DIRECTORY: start the cluster that `python -m tab.build` has put into the directory.
// It prints {} when the API server is ready, and an answer to each line that it reads:
// {method, path, headers, body, certificate, trust}; {lines, input}, as for a shell; or {script,
// namespace, input, caller, seconds}, for the cluster's shell, which is stopped after `seconds`.
"use strict";
const fs = require("fs"), path = require("path"), readline = require("readline");

const directory = path.resolve(process.argv[2]);
// Node 18, which Debian 12 has, needs it.
globalThis.crypto ??= require("crypto").webcrypto;
require(`${directory}/wasm_exec.js`);
require("./files.js");
require("./server.js");
require("./shell.js");
// A pipe that is full takes the rest later, and process.exit() would lose that.
const print = (value) => new Promise((done) => {
  process.stdout.write(`${JSON.stringify(value)}\n`, done);
});

// Run a script; return its exit code, what it writes, and what it writes to its standard error.
const runScript = async ({ seconds, ...request }) => {
  const control = new AbortController(), answer = { text: "", errors: "" };
  const timer = seconds && setTimeout(() => control.abort(), seconds * 1000);
  const output = (text, isError) => { answer[isError ? "errors" : "text"] += text; };
  answer.code = await kubernetes.shell(JSON.stringify(request), output, control.signal);
  clearTimeout(timer);
  return answer;
};

(async () => {
  await startServer(await WebAssembly.compile(fs.readFileSync(`${directory}/kube-apiserver.wasm`)));
  await print({});
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { lines, input = "", ...request } = JSON.parse(line);
    if (request.script) {
      await print(await runScript({ input, ...request }));
      continue;
    }
    let text = "";
    const answer = await (lines ? shell(lines, input, (more) => { text += more; }) : send(request));
    await print(lines ? { ...answer, text } : answer);
  }
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
