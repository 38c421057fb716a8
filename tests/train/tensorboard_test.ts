import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { basename } from "node:path";
import { crc32c, maskedCrc32c } from "../../train/crc32c.ts";
import { EventWriter } from "../../train/tensorboard.ts";
import { withFolder } from "../tasks/run.ts";

Deno.test("crc32c gives the vectors of RFC 3720, B.4", () => {
  strictEqual(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  strictEqual(crc32c(new Uint8Array(32)), 0x8a9136aa);
  strictEqual(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  strictEqual(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  strictEqual(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c);
});

Deno.test("maskedCrc32c is the rotated sum that unmasks to the CRC", () => {
  const bytes = new TextEncoder().encode("123456789");
  const rotated = (maskedCrc32c(bytes) - 0xa282ead8) >>> 0;
  strictEqual(((rotated >>> 17) | (rotated << 15)) >>> 0, crc32c(bytes));
});

/** The fields of a protocol-buffer message, each by number: a number, or bytes. */
function fieldsOf(bytes: Uint8Array): Map<number, number | Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [tag >> 3, tag & 7];
    if (wire === 0) fields.set(field, varint());
    else if (wire === 1) fields.set(field, view.getFloat64((at += 8) - 8, true));
    else if (wire === 5) fields.set(field, view.getFloat32((at += 4) - 4, true));
    else {
      const size = varint();
      fields.set(field, bytes.subarray(at, at += size));
    }
  }
  return fields;
}

/** The messages of a record file, both checksums of each checked. */
function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = [];
  for (let at = 0; at < bytes.length;) {
    const size = Number(view.getBigUint64(at, true));
    strictEqual(view.getUint32(at + 8, true), maskedCrc32c(bytes.subarray(at, at + 8)));
    const record = bytes.subarray(at + 12, at + 12 + size);
    strictEqual(view.getUint32(at + 12 + size, true), maskedCrc32c(record));
    records.push(record);
    at += 16 + size;
  }
  return records;
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array);

Deno.test("EventWriter: records parse back to time, step, tag and value", async () => {
  await withFolder(async (folder) => {
    const events = new EventWriter(folder, { now: () => 1_700_000_000_500 });
    events.scalar("Loss/train", 1.25, 0);
    events.scalar("Acc/valid", 0.5, 70_000);
    events.close();
    ok(/^events\.out\.tfevents\.1700000000\./.test(basename(events.path)));

    const [version, ...scalars] = recordsOf(await Deno.readFile(events.path)).map(fieldsOf);
    strictEqual(text(version.get(3)), "brain.Event:2");
    const points = scalars.map((event) => {
      const point = fieldsOf(fieldsOf(event.get(5) as Uint8Array).get(1) as Uint8Array);
      return [event.get(1), event.get(2), text(point.get(1)), point.get(2)];
    });
    deepStrictEqual(points, [
      [1_700_000_000.5, 0, "Loss/train", 1.25],
      [1_700_000_000.5, 70_000, "Acc/valid", 0.5],
    ]);
  });
});

Deno.test("EventWriter: on resuming, a session start names the first step that counts again", async () => {
  await withFolder(async (folder) => {
    using first = new EventWriter(folder);
    using second = new EventWriter(folder, { resumeStep: 300 });
    ok(first.path !== second.path);
    const [, start] = recordsOf(await Deno.readFile(second.path)).map(fieldsOf);
    strictEqual(start.get(2), 300);
    deepStrictEqual([...fieldsOf(start.get(7) as Uint8Array)], [[1, 1]]);
  });
});
