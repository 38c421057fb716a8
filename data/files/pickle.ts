/**
 * A pickle machine that can build numbers, text, lists and dictionaries, and nothing else by itself. Whatever a pickle asks
 * for by name goes through a list that the caller supplies; what is not on it is refused, so nothing of the file is executed.
 * Opcodes: Lib/pickletools.py of CPython. Protocols 0 to 5 without out-of-band buffers and without the instance opcodes.
 */

/** Bounds a pickle's own size; the work and the memory of the machine grow with nothing else. */
const MAX_PICKLE_BYTES = 256 << 20;
const MAX_INTEGER_BYTES = 64;

/** A name that a pickle may ask for. */
export class PickleGlobal {
  /** Makes an object when the pickle calls this name; undefined if it may only be mentioned. */
  readonly build: ((args: readonly unknown[]) => unknown) | undefined;

  /** @param build what to do when the pickle calls this name; default: it may only be mentioned */
  constructor(build?: (args: readonly unknown[]) => unknown) {
    this.build = build;
  }
}

/** What a pickle may refer to. */
export interface PickleHooks {
  /** The object for `module.name`, or undefined if it is not on the list. */
  readonly find: (module: string, name: string) => PickleGlobal | undefined;
  /** The object for a persistent id, which PyTorch uses for storages. */
  readonly persistent: (id: unknown) => unknown;
}

/** What a {@linkcode PickleGlobal} may build to be filled by the pickle: with the items of a list, or with attributes. */
interface Fillable {
  readonly items: unknown[];
  state: unknown;
  readonly build: (args: readonly unknown[]) => unknown;
}

function isFillable(value: unknown): value is Fillable {
  return value instanceof Map && "items" in value && "state" in value;
}

/** A pickle asked for something that is not on the list. */
export class ForbiddenGlobalError extends Error {
  override name = "ForbiddenGlobalError";
}

/**
 * Runs one pickle.
 *
 * @param bytes holds the pickle, maybe among other things
 * @param hooks what it may refer to
 * @param start index of its first byte; default 0
 * @returns lists and tuples as arrays, dictionaries as Map, bytes as Uint8Array, integers as number or bigint; and the index
 *   after the pickle
 * @throws {ForbiddenGlobalError} it asks for something that is not on the list
 * @throws {Error} it is malformed; the message is the fact alone
 */
export function readPickle(bytes: Uint8Array, hooks: PickleHooks, start = 0): { value: unknown; end: number } {
  const machine = new PickleMachine(bytes, hooks, start);
  return { value: machine.run(), end: machine.position };
}

class PickleMachine {
  position: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hooks: PickleHooks;
  readonly #memo = new Map<number, unknown>();
  readonly #marked: unknown[][] = [];
  #stack: unknown[] = [];

  constructor(bytes: Uint8Array, hooks: PickleHooks, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#hooks = hooks;
    this.position = start;
  }

  run(): unknown {
    if (this.#bytes.length - this.position > MAX_PICKLE_BYTES) throw new Error("its pickle is unreasonably long");
    for (;;) {
      const opcode = String.fromCharCode(this.#byte());
      if (opcode === ".") return this.#pop();
      const handler = OPCODES[opcode];
      if (handler === undefined) throw new Error(`its pickle has the unknown opcode ${JSON.stringify(opcode)}`);
      handler.call(this);
    }
  }

  #take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.position) throw new Error("its pickle is cut short");
    this.position += count;
    return this.#bytes.subarray(this.position - count, this.position);
  }

  #byte(): number {
    return this.#take(1)[0];
  }

  #uint32(): number {
    this.#take(4);
    return this.#view.getUint32(this.position - 4, true);
  }

  #uint64(): number {
    this.#take(8);
    return Number(this.#view.getBigUint64(this.position - 8, true));
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.position);
    if (end < 0) throw new Error("its pickle is cut short");
    const text = decodeText(this.#take(end - this.position));
    this.position++;
    return text;
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw new Error("its pickle takes from an empty stack");
    return this.#stack.pop();
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw new Error("its pickle takes from an empty stack");
    return this.#stack[this.#stack.length - 1];
  }

  /** What was pushed since the last mark. */
  #popMark(): unknown[] {
    const items = this.#stack;
    const outer = this.#marked.pop();
    if (outer === undefined) throw new Error("its pickle takes a mark that was never set");
    this.#stack = outer;
    return items;
  }

  #tuple(count: number): void {
    if (this.#stack.length < count) throw new Error("its pickle takes from an empty stack");
    this.#push(this.#stack.splice(this.#stack.length - count));
  }

  #append(items: readonly unknown[]): void {
    const top = this.#top(), list = isFillable(top) ? top.items : top;
    if (!Array.isArray(list)) throw new Error("its pickle appends to something that is not a list");
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly unknown[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2) {
      throw new Error("its pickle fills something that is not a dictionary");
    }
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  #recall(index: number): void {
    if (!this.#memo.has(index)) throw new Error(`its pickle recalls object ${index}, which it never stored`);
    this.#push(this.#memo.get(index));
  }

  #global(module: unknown, name: unknown): void {
    const found = typeof module === "string" && typeof name === "string" ? this.#hooks.find(module, name) : undefined;
    if (found === undefined) {
      const asked = printable(`${module}.${name}`);
      throw new ForbiddenGlobalError(
        `it asks for ${asked}, which is not on the list of what a weights file may contain`,
      );
    }
    this.#push(found);
  }

  #call(callee: unknown, args: unknown): void {
    const build = callee instanceof PickleGlobal || isFillable(callee) ? callee.build : undefined;
    if (build === undefined || !Array.isArray(args)) {
      throw new Error("its pickle calls something that cannot be called");
    }
    this.#push(build(args));
  }

  /** Attributes: PyTorch attaches `_metadata` to an ordered dictionary this way, which nothing here needs. */
  #build(): void {
    const state = this.#pop(), object = this.#top();
    if (isFillable(object)) object.state = state;
    else if (!(object instanceof Map)) throw new Error("its pickle sets attributes of something that has none");
  }

  static readonly opcodes: Readonly<Record<string, (this: PickleMachine) => void>> = {
    // structure
    "\x80": function () {
      const protocol = this.#byte();
      if (protocol > 5) throw new Error(`its pickle has the unknown protocol ${protocol}`);
    },
    "\x95": function () {
      this.#take(8);
    },
    "(": function () {
      this.#marked.push(this.#stack);
      this.#stack = [];
    },
    "0": function () {
      if (this.#stack.length > 0) this.#pop();
      else this.#popMark();
    },
    "1": function () {
      this.#popMark();
    },
    "2": function () {
      this.#push(this.#top());
    },
    // constants and numbers
    "N": function () {
      this.#push(null);
    },
    "\x88": function () {
      this.#push(true);
    },
    "\x89": function () {
      this.#push(false);
    },
    "I": function () {
      this.#push(parseInteger(this.#line()));
    },
    "L": function () {
      this.#push(parseInteger(this.#line().replace(/L$/, "")));
    },
    "F": function () {
      this.#push(Number(this.#line()));
    },
    "J": function () {
      this.#push(this.#uint32() | 0);
    },
    "K": function () {
      this.#push(this.#byte());
    },
    "M": function () {
      const [low, high] = this.#take(2);
      this.#push(low + 256 * high);
    },
    "\x8a": function () {
      this.#push(decodeInteger(this.#take(this.#byte())));
    },
    "\x8b": function () {
      this.#push(decodeInteger(this.#take(this.#uint32())));
    },
    "G": function () {
      this.#take(8);
      this.#push(this.#view.getFloat64(this.position - 8, false));
    },
    // text and bytes; Python 2 wrote its text as the byte strings U and T
    "X": function () {
      this.#push(decodeText(this.#take(this.#uint32())));
    },
    "\x8c": function () {
      this.#push(decodeText(this.#take(this.#byte())));
    },
    "\x8d": function () {
      this.#push(decodeText(this.#take(this.#uint64())));
    },
    "V": function () {
      this.#push(this.#line().replace(/\\u([0-9a-fA-F]{4})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))));
    },
    "U": function () {
      this.#push(decodeText(this.#take(this.#byte())));
    },
    "T": function () {
      this.#push(decodeText(this.#take(this.#uint32())));
    },
    "C": function () {
      this.#push(this.#take(this.#byte()).slice());
    },
    "B": function () {
      this.#push(this.#take(this.#uint32()).slice());
    },
    "\x8e": function () {
      this.#push(this.#take(this.#uint64()).slice());
    },
    // lists, tuples, dictionaries
    "]": function () {
      this.#push([]);
    },
    "l": function () {
      this.#push(this.#popMark());
    },
    "a": function () {
      this.#append([this.#pop()]);
    },
    "e": function () {
      this.#append(this.#popMark());
    },
    ")": function () {
      this.#push([]);
    },
    "t": function () {
      this.#push(this.#popMark());
    },
    "\x85": function () {
      this.#tuple(1);
    },
    "\x86": function () {
      this.#tuple(2);
    },
    "\x87": function () {
      this.#tuple(3);
    },
    "}": function () {
      this.#push(new Map());
    },
    "d": function () {
      const items = this.#popMark();
      this.#push(new Map());
      this.#setItems(items);
    },
    "s": function () {
      const value = this.#pop();
      const key = this.#pop();
      this.#setItems([key, value]);
    },
    "u": function () {
      this.#setItems(this.#popMark());
    },
    // sets, as arrays
    "\x8f": function () {
      this.#push([]);
    },
    "\x90": function () {
      this.#append(this.#popMark());
    },
    "\x91": function () {
      this.#push(this.#popMark());
    },
    // memo
    "p": function () {
      this.#memo.set(Number(this.#line()), this.#top());
    },
    "q": function () {
      this.#memo.set(this.#byte(), this.#top());
    },
    "r": function () {
      this.#memo.set(this.#uint32(), this.#top());
    },
    "\x94": function () {
      this.#memo.set(this.#memo.size, this.#top());
    },
    "g": function () {
      this.#recall(Number(this.#line()));
    },
    "h": function () {
      this.#recall(this.#byte());
    },
    "j": function () {
      this.#recall(this.#uint32());
    },
    // names, calls and persistent objects
    "c": function () {
      const module = this.#line();
      this.#global(module, this.#line());
    },
    "\x93": function () {
      const name = this.#pop();
      this.#global(this.#pop(), name);
    },
    "R": function () {
      const args = this.#pop();
      this.#call(this.#pop(), args);
    },
    "\x81": function () { // an object of a class, made without calling it
      const args = this.#pop();
      this.#call(this.#pop(), args);
    },
    "\x92": function () {
      this.#pop(); // arguments by name
      const args = this.#pop();
      this.#call(this.#pop(), args);
    },
    "b": function () {
      this.#build();
    },
    "Q": function () {
      this.#push(this.#hooks.persistent(this.#pop()));
    },
  };
}

const OPCODES = Object.assign(Object.create(null), PickleMachine.opcodes) as typeof PickleMachine.opcodes;

const DECODER = new TextDecoder();

function decodeText(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

function parseInteger(text: string): number | boolean | bigint {
  if (text === "01" || text === "00") return text === "01"; // protocol 0 writes booleans like this
  if (!/^-?\d{1,40}$/.test(text)) throw new Error("its pickle has a malformed integer");
  return narrowed(BigInt(text));
}

/** Little-endian two's complement. */
function decodeInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length > MAX_INTEGER_BYTES) throw new Error(`its pickle has an integer of ${bytes.length} bytes`);
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = value << 8n | BigInt(bytes[i]);
  return narrowed(BigInt.asIntN(8 * bytes.length, value));
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Names come from the file, so they are cut to a reasonable length and cleared of control characters for a message. */
function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}
