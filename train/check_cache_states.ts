/** Whether what a config says of cached hidden states fits together. @module */
import type { TrainConfig } from "./train_config.ts";

/**
 * Looks at a config that asks for cached hidden states.
 *
 * @throws {RangeError} Where training would not see what was cached.
 */
export function checkCacheStates(config: TrainConfig): void {
  if (!config.cacheStates) return;
  const { noise, reverb, speeds, volume, mixup, validChunk, validCrops, validSegment } = config;
  const changes = {
    [`noise "${noise}"`]: noise !== "",
    [`reverb "${reverb}"`]: reverb !== "",
    [`speeds ${speeds}`]: speeds.length > 0,
    [`volume ${volume}`]: volume.some((gain) => gain !== 0),
    [`mixup ${mixup}`]: mixup > 0,
  };
  const found = Object.keys(changes).find((key) => changes[key]);
  if (found !== undefined) {
    throw new RangeError(
      `Cannot cache hidden states with ${found}: it changes the waveforms in every epoch; leave one out`,
    );
  }
  if (validChunk === "first" || validCrops > 1 || validSegment !== "whole") {
    throw new RangeError(
      "Cannot cache hidden states where validation sees parts of recordings: set validChunk and validSegment to whole, validCrops to 1",
    );
  }
}
