import { findMp3, skipId3 } from "./mp3_header.ts";
import { fourCharacters, Unreadable } from "./recording.ts";

/** Formats that are read. */
export type AudioFormat = "wav" | "flac" | "mp3" | "ogg";

const convert = "; convert it with: ffmpeg -i IN OUT.wav";

/** What people do try: the text at an offset in the file (a character a byte), and what to say. */
const refused: readonly [at: number, texts: readonly string[], problem: string][] = [
  [4, ["ftyp"], "it is MPEG-4 audio or video (m4a, mp4)" + convert],
  [0, ["\xff\xf0", "\xff\xf1", "\xff\xf8", "\xff\xf9"], "it is raw AAC" + convert],
  [8, ["AIFF", "AIFC"], "it is an AIFF recording" + convert],
  [8, ["AVI "], "it is an AVI video" + convert],
  [0, ["RF64", "BW64", "RIFX", "riff"], "it is a WAV file of a rare kind (64-bit or big-endian)" + convert],
  [0, ["\x30\x26\xb2\x75"], "it is Windows Media audio" + convert],
  [0, ["\x1a\x45\xdf\xa3"], "it is a WebM or Matroska file" + convert],
  [0, ["#!AMR", "caff", ".snd", "wvpk", "MAC ", "NIST"], "it is audio of a format that is not read" + convert],
  [0, ["PK\x03\x04", "\x1f\x8b", "BZh", "\xfd7zXZ", "7z\xbc\xaf"], "it is an archive; unpack it first"],
  [0, ["\x89PNG", "\xff\xd8\xff", "GIF8"], "it is a picture, not a recording"],
  [0, ["\x93NUMPY"], "it is a NumPy array, not a recording"],
  [0, ["version https://git-lfs"], "it is a Git LFS pointer, not the recording; run: git lfs pull"],
];

/**
 * The format of a file by its content, whatever its name says.
 *
 * @throws Unreadable if it is none that is read, saying what it seems to be.
 */
export function sniffAudio(bytes: Uint8Array): AudioFormat {
  if (bytes.length === 0) throw new Unreadable("it is empty");
  const start = String.fromCharCode(...bytes.subarray(0, 24));
  const problem = refused.find(([at, texts]) => texts.some((text) => start.startsWith(text, at)))?.[2];
  if (problem) throw new Unreadable(problem);
  if (start.startsWith("RIFF")) return "wav";
  if (start.startsWith("OggS")) return "ogg";
  if (fourCharacters(bytes, skipId3(bytes)) === "fLaC") return "flac";
  if (isText(bytes)) throw new Unreadable("it is text, not a recording");
  if (findMp3(bytes)) return "mp3";
  if (start.startsWith("ID3")) throw new Unreadable("recording is truncated: it has a tag, but no audio");
  throw new Unreadable("its format is not known; wav, flac, mp3 and ogg (Vorbis, Opus, FLAC) are read" + convert);
}

/** Whether the first bytes are all characters that text is made of. */
function isText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 512);
  return head.every((byte) => byte >= 32 && byte !== 127 || byte === 9 || byte === 10 || byte === 13) &&
    head.filter((byte) => byte >= 128).length * 2 <= head.length;
}
