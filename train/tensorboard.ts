/**
 * TensorBoard event files, scalars only.
 *
 * A file is a row of TFRecords (length, masked CRC of the length, bytes, masked CRC of the bytes), each holding one `Event`
 * message of TensorFlow's `event.proto`.
 * @module
 */
import { join } from "node:path";
import { AppendFile } from "./append_file.ts";
import { maskedCrc32c } from "./crc32c.ts";

let serial = 0;

/** Settings of {@linkcode EventWriter}. */
export interface EventWriterOptions {
  /** Going on at this step: TensorBoard then drops what earlier files of the folder have from it on. */
  readonly resumeStep?: number;
  /** Gives the time in milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Writes scalars that `tensorboard --logdir FOLDER` shows.
 *
 * @example
 * ```ts
 * import { EventWriter } from "./tensorboard.ts";
 *
 * const folder = await Deno.makeTempDir();
 * using events = new EventWriter(folder);
 * events.scalar("Loss/train", 1.25, 100);
 * ```
 */
export class EventWriter implements Disposable {
  /** The file written. */
  readonly path: string;
  readonly #file: AppendFile;
  readonly #now: () => number;

  /** Makes a new event file in an existing folder. */
  constructor(folder: string, options: EventWriterOptions = {}) {
    this.#now = options.now ?? Date.now;
    const seconds = String(Math.floor(this.#now() / 1000)).padStart(10, "0");
    this.path = join(folder, `events.out.tfevents.${seconds}.voxgrad.${Deno.pid}.${serial++}`);
    this.#file = new AppendFile(this.path, { isNew: true });
    this.#write(0, [...key(3, 2), ...sized(utf8("brain.Event:2"))]);
    const { resumeStep } = options;
    if (resumeStep !== undefined) this.#write(resumeStep, [...key(7, 2), ...sized([...key(1, 0), ...varint(1)])]);
  }

  /** Writes one value of a curve, at once. */
  scalar(tag: string, value: number, step: number): void {
    const point = [
      ...key(1, 2),
      ...sized(utf8(tag)),
      ...key(2, 5),
      ...littleEndian(4, (view) => view.setFloat32(0, value, true)),
    ];
    this.#write(step, [...key(5, 2), ...sized([...key(1, 2), ...sized(point)])]);
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes the file, at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.close();
  }

  #write(step: number, body: number[]): void {
    const time = littleEndian(8, (view) => view.setFloat64(0, this.#now() / 1000, true));
    this.#file.write(tfRecord(Uint8Array.from([...key(1, 1), ...time, ...key(2, 0), ...varint(step), ...body])));
  }
}

function tfRecord(bytes: Uint8Array): Uint8Array {
  const record = new Uint8Array(8 + 4 + bytes.length + 4);
  const view = new DataView(record.buffer);
  view.setUint32(0, bytes.length, true); // the upper half of the 64-bit length stays 0
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(bytes, 12);
  view.setUint32(12 + bytes.length, maskedCrc32c(bytes), true);
  return record;
}

/** Protocol buffers: a field's number and wire type (0 varint, 1 eight bytes, 2 sized, 5 four bytes). */
function key(field: number, wireType: number): number[] {
  return [field << 3 | wireType];
}

function sized(bytes: ArrayLike<number>): number[] {
  return [...varint(bytes.length), ...Array.from(bytes)];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}

function littleEndian(size: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  set(new DataView(bytes.buffer));
  return bytes;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
