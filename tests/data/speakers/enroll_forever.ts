/**
 * Enrols one recording after another and forgets some again until it is killed; says "+7" when 7 is enrolled, "-7" when it is
 * forgotten.
 * @module
 */
import { SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { model, recording } from "./voices.ts";

const [path, first] = Deno.args;
const store = new SpeakerStore(path, { create: true });
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
for (let serial = Number(first);; serial++) {
  store.enroll(`p${serial}`, [recording(serial)], { model });
  say(`+${serial}`);
  if (serial % 4 !== 3) continue;
  store.forget(`p${serial - 2}`);
  say(`-${serial - 2}`);
}
