// node node.js DIRECTORY: start the API server that `python -m tab.build` has put into the
// directory. It prints a line when it is ready, and an answer to each line that it reads:
// {method, path, headers, body, certificate, trust}, or {line, input}, as for a shell.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const { argv, exit, stdin, stdout } = process;
require(path.resolve(argv[2], "wasm_exec.js"));
require("./server.js");
require("./shell.js");
const variables = {};
const say = (told) => stdout.write(`${JSON.stringify(told)}\n`);

async function answered(server, asked) {
  let text = "";
  if (asked.line) {
    const write = (more) => { text += more; };
    return { ...(await shell(server, asked.line, { variables, input: asked.input, write })), text };
  }
  const decoder = new TextDecoder(), head = {};
  const onHead = (status, headers) => Object.assign(head, { status, headers });
  const error = await server.request(asked, onHead, (bytes) => {
    text += decoder.decode(bytes, { stream: true });
  });
  return { ...head, body: text, error };
}

(async () => {
  const began = performance.now();
  const bytes = fs.readFileSync(path.resolve(argv[2], "kube-apiserver.wasm"));
  const server = await startServer(await WebAssembly.compile(bytes));
  say({ seconds: (performance.now() - began) / 1000, memory: server.memory() });
  for await (const line of readline.createInterface({ input: stdin })) {
    say(await answered(server, JSON.parse(line)));
  }
  exit(0);
})().catch((error) => { console.error(error.message); exit(1); });
