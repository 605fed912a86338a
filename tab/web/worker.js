// A Web Worker with the API server: call the function that a message names; its port gets
// progress and output, then the result or the failure.
"use strict";
importScripts("wasm_exec.js", "files.js", "server.js", "shell.js");

const calls = {
  async start(address, report) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    // With Content-Encoding, the browser has decompressed the file, whose length is another.
    const plain = response.headers.has("Content-Encoding");
    const total = plain ? 0 : Number(response.headers.get("Content-Length"));
    let loaded = 0;
    const transform = (chunk, further) => {
      report(loaded += chunk.length, total);
      further.enqueue(chunk);
    };
    const received = response.body.pipeThrough(new TransformStream({ transform }));
    const bytes = plain ? received : received.pipeThrough(new DecompressionStream("gzip"));
    const headers = { "Content-Type": "application/wasm" };
    const module = await WebAssembly.compileStreaming(new Response(bytes, { headers }));
    report();
    return startServer(module);
  },
  shell,
};

onmessage = ({ data: { name, values }, ports: [port] }) => calls[name](
  ...values, (...report) => port.postMessage({ report }),
).then(
  (result) => port.postMessage({ result }),
  (error) => port.postMessage({ failure: error.message }),
);
