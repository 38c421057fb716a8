/** Ogg files for tests. @module */

/** Where a page stands in its stream. */
interface Place {
  readonly sequence: number;
  /** 2: the first page; 4: the last one. */
  readonly flags: number;
  /** Samples up to its end. */
  readonly granule: number;
}

/** A page of packets shorter than 255 bytes, at most 255 of them (RFC 3533). */
export function oggPage(packets: readonly Uint8Array[], { sequence, flags, granule }: Place): Uint8Array {
  const body = packets.flatMap((packet) => [...packet]), page = new Uint8Array(27 + packets.length + body.length);
  const view = new DataView(page.buffer);
  page.set([0x4f, 0x67, 0x67, 0x53, 0, flags]);
  view.setBigInt64(6, BigInt(granule), true);
  view.setUint32(14, 7, true); // the stream's number
  view.setUint32(18, sequence, true);
  page[26] = packets.length;
  page.set(packets.map(({ length }) => length), 27);
  page.set(body, 27 + packets.length);
  view.setUint32(22, pageChecksum(page), true);
  return page;
}

/** CRC-32 with the polynomial 0x04c11db7, highest bit first, from 0. */
function pageChecksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? crc << 1 ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/** An Ogg FLAC stream (its mapping's version 1.0) of a FLAC file's header, with frames as packets of one page. */
export function oggFlac(flac: Uint8Array, frames: readonly Uint8Array[], granule: number): Uint8Array {
  const lead = [0x7f, 0x46, 0x4c, 0x41, 0x43, 1, 0, 0, 1];
  const first = Uint8Array.of(...lead, ...flac.subarray(0, 42)),
    comment = Uint8Array.of(0x84, 0, 0, 8, ...Array(8).fill(0));
  const pages = [
    oggPage([first], { sequence: 0, flags: 2, granule: 0 }),
    oggPage([comment], { sequence: 1, flags: 0, granule: 0 }),
    oggPage(frames, { sequence: 2, flags: 4, granule }),
  ];
  return Uint8Array.from(pages.flatMap((page) => [...page]));
}
