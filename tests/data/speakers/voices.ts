/** Made-up voices for tests of the database. @module */
import type { NewRecording, VoiceModel } from "../../../data/speakers/speaker_store.ts";

/**
 * A new folder, gone afterwards; in memory where there is such a place, since all these tests wait for is the disk.
 */
export async function withFastFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const memory = "/dev/shm", isThere = await Deno.stat(memory).then((s) => s.isDirectory, () => false);
  const folder = await Deno.makeTempDir({ prefix: "voxgrad-", dir: isThere ? memory : undefined });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A model of 16 values. */
export const model: VoiceModel = { id: "ab".repeat(32), name: "runs/a", dim: 16 };

/** Another one. */
export const otherModel: VoiceModel = { id: "cd".repeat(32), name: "runs/b", dim: 16 };

/** A recording with values of its own, the same for the same number. */
export function recording(serial: number): NewRecording {
  const embedding = Float32Array.from({ length: model.dim }, (_, i) => Math.sin(serial * 12.9898 + i * 78.233 + 1));
  return { embedding, digest: `digest-${serial}`, seconds: 1.5 };
}
