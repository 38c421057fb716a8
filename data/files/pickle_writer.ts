/** Writing the few kinds of values that a state dict's pickle consists of. Protocol 2, opcodes as in Lib/pickletools.py of CPython. */

/** Gathers a pickle's bytes. */
export class PickleWriter {
  readonly #bytes: number[] = [0x80, 2];

  /** A name of a module. */
  global(module: string, name: string): this {
    return this.#ascii(`c${module}\n${name}\n`);
  }

  /** Text. */
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.#ascii("X").#uint32(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** A whole number from 0 to 2^53. */
  integer(value: number): this {
    if (value < 2 ** 31) return this.#ascii("J").#uint32(value);
    const bytes = [];
    for (let rest = BigInt(value); rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
    bytes.push(0); // the sign
    this.#bytes.push(0x8a, bytes.length, ...bytes);
    return this;
  }

  /** A tuple of what `parts` write. */
  tuple(parts: () => void): this {
    this.#ascii("(");
    parts();
    return this.#ascii("t");
  }

  /** A tuple of whole numbers. */
  integers(values: readonly number[]): this {
    return this.tuple(() => values.forEach((value) => this.integer(value)));
  }

  /** Python's False. */
  no(): this {
    this.#bytes.push(0x89);
    return this;
  }

  /** Calls the name before with the tuple before. */
  call(): this {
    return this.#ascii("R");
  }

  /** Makes the tuple before a persistent object. */
  persistent(): this {
    return this.#ascii("Q");
  }

  /** Fills the dictionary before with the keys and values that `entries` write. */
  fill(entries: () => void): this {
    this.#ascii("(");
    entries();
    return this.#ascii("u");
  }

  /** The pickle. */
  end(): Uint8Array<ArrayBuffer> {
    this.#ascii(".");
    return Uint8Array.from(this.#bytes);
  }

  #ascii(text: string): this {
    for (let i = 0; i < text.length; i++) this.#bytes.push(text.charCodeAt(i));
    return this;
  }

  #uint32(value: number): this {
    this.#bytes.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
    return this;
  }
}
