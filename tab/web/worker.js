// A Web Worker with the API server: {start}, then {request} or {kubectl, input}.
"use strict";
importScripts("wasm_exec.js", "server.js");
let server;

const download = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const total = Number(response.headers.get("Content-Length"));
  let loaded = 0;
  const counted = new TransformStream({
    transform(chunk, further) {
      loaded += chunk.length;
      postMessage({ loaded, total });
      further.enqueue(chunk);
    },
  });
  const bytes = response.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"));
  return new Response(bytes, { headers: { "Content-Type": "application/wasm" } });
};

const started = async (address) => {
  const module = await WebAssembly.compileStreaming(await download(address));
  postMessage({ compiled: true });
  server = await startServer(module);
  return server.memory();
};

const answered = (id, { start, request, kubectl, input }) => {
  if (start) return started(start);
  if (kubectl) return server.kubectl(kubectl, input, (...text) => postMessage({ id, text }));
  return server.request(
    request, (...head) => postMessage({ id, head }), (chunk) => postMessage({ id, chunk }),
  );
};

onmessage = ({ data: { id, ...asked } }) => answered(id, asked).then(
  (done) => postMessage({ id, done }),
  (error) => postMessage({ id, failed: error.message }),
);
