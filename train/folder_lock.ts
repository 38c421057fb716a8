/** Keeping other processes out of a folder. @module */

/**
 * Locks a folder until the lock is disposed of, or this process ends in whatever way. Where folders cannot be locked
 * (Windows, some network file systems) nothing is kept out.
 *
 * @param refusal begins the error: `Cannot train into "runs/a": another run is at work there`
 * @throws {Error} Where another process has locked it.
 */
export async function lockFolder(path: string, refusal: string): Promise<Disposable> {
  const folder = await Deno.open(path).catch(() => undefined);
  const locked = await folder?.tryLock(true).catch(() => true);
  if (locked === false) {
    folder?.close();
    throw new Error(`${refusal}; wait for its end, or stop it`);
  }
  return { [Symbol.dispose]: () => folder?.close() };
}
