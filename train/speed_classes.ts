/** Recordings at another speed as classes of their own, after those of the recordings as they are. @module */
import type { TrainConfig } from "./train_config.ts";

type SpeedConfig = Pick<TrainConfig, "speeds" | "speedClasses">;

/** Speeds whose recordings are other classes, in the order of their classes. */
function otherSpeeds({ speeds, speedClasses }: SpeedConfig): number[] {
  return speedClasses ? [...new Set(speeds)].filter((speed) => speed !== 1) : [];
}

/** Names of the classes that a config adds, such as "anna@0.9". */
export function speedClassNames(config: SpeedConfig, classes: readonly string[]): string[] {
  return otherSpeeds(config).flatMap((speed) => classes.map((name) => `${name}@${speed}`));
}

/** What the class of a recording is at a speed, among `count` classes and those that are added. */
export function labelAtSpeed(config: SpeedConfig, count: number): (label: number, speed: number) => number {
  const others = otherSpeeds(config);
  return (label, speed) => (others.indexOf(speed) + 1) * count + label;
}
