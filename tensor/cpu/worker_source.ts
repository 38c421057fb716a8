/**
 * What a worker thread runs, as text: a worker must start from a module that came from a URL, and a bundler must not have to know of it.
 * @module
 */
import { ARGS, CHUNK_BITS, CLOSED, Control, EPOCHS } from "./control_block.ts";

/**
 * A job is taken in this order: read the signal, read the description, see that the ticket still belongs to the same job, take chunks from
 * the ticket. The main thread closes the ticket before it changes the description, and changes it only when all chunks are done, so that a
 * late worker never runs anything of a job that is over.
 */
export const WORKER_SOURCE = `"use strict";
const C = ${JSON.stringify(Control)};
const inNode = typeof require === "function";
const instances = new Map();

function work(memory, thread, exportNames, spins) {
  const words = new Int32Array(memory.buffer, 0, 1024);
  const env = { memory, sin: Math.sin, cos: Math.cos };
  const pause = typeof Atomics.pause === "function" ? () => Atomics.pause() : () => {};

  function load(id, ptr, bytes) {
    let instance = instances.get(id);
    if (instance === undefined) {
      const copy = new Uint8Array(bytes);
      copy.set(new Uint8Array(memory.buffer, ptr, bytes));
      instance = new WebAssembly.Instance(new WebAssembly.Module(copy), { env }).exports;
      instances.set(id, instance);
    }
    return instance;
  }

  function take(epoch) {
    const total = Atomics.load(words, C.total);
    const id = Atomics.load(words, C.module);
    const ptr = Atomics.load(words, C.modulePtr);
    const bytes = Atomics.load(words, C.moduleBytes);
    const first = Atomics.load(words, C.first);
    const name = exportNames[Atomics.load(words, C.function)];
    let run = null;
    for (;;) {
      const ticket = Atomics.load(words, C.ticket);
      const chunk = ticket & ${CLOSED};
      if (ticket >>> ${CHUNK_BITS} !== epoch || chunk >= total) return;
      // compiled before the first chunk is taken: the others can take it meanwhile
      if (run === null) {
        run = load(id, ptr >>> 0, bytes)[name];
        continue;
      }
      if (Atomics.compareExchange(words, C.ticket, ticket, ticket + 1) !== ticket) continue;
      try {
        run(${ARGS}, first + chunk, thread);
      } catch {
        Atomics.store(words, C.failed, 1);
      }
      if (Atomics.add(words, C.done, 1) + 1 === total) Atomics.notify(words, C.done);
    }
  }

  let last = Atomics.load(words, C.signal);
  Atomics.add(words, C.ready, 1);
  while (Atomics.load(words, C.stop) === 0) {
    let signal = Atomics.load(words, C.signal);
    for (let i = 0; signal === last && i < spins; i++) {
      pause();
      signal = Atomics.load(words, C.signal);
    }
    if (signal === last) {
      Atomics.wait(words, C.signal, last);
      continue;
    }
    last = signal;
    take(signal & ${EPOCHS - 1});
  }
}

if (inNode) {
  const { memory, thread, exportNames, spins } = require("node:worker_threads").workerData;
  work(memory, thread, exportNames, spins);
} else {
  globalThis.onmessage = ({ data }) => {
    work(data.memory, data.thread, data.exportNames, data.spins);
    globalThis.close();
  };
}
`;
