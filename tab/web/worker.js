// A Web Worker with the API server: call the function that a message names; its port gets
// progress and output, then the result or the failure.
"use strict";
importScripts("wasm_exec.js", "server.js", "shell.js");

const calls = {
  async start(address, told) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    // With Content-Encoding, the browser has decompressed the file, whose length is another.
    const plain = response.headers.has("Content-Encoding");
    const total = plain ? 0 : Number(response.headers.get("Content-Length"));
    let loaded = 0;
    const transform = (chunk, further) => { told(loaded += chunk.length, total); further.enqueue(chunk); };
    const counted = new TransformStream({ transform });
    const received = response.body.pipeThrough(counted);
    const bytes = plain ? received : received.pipeThrough(new DecompressionStream("gzip"));
    const module = await WebAssembly.compileStreaming(new Response(bytes, { headers: { "Content-Type": "application/wasm" } }));
    told();
    return startServer(module);
  },
  shell,
};

onmessage = ({ data: { name, given }, ports: [port] }) => calls[name](
  ...given, (...told) => port.postMessage({ told }),
).then((done) => port.postMessage({ done }), (error) => port.postMessage({ failed: error.message }));
