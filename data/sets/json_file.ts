/** Reads a JSON file whose contents are not trusted. */

/**
 * @param path the file
 * @returns what it holds, or undefined if there is no such file
 * @throws {SyntaxError} it is not JSON
 */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const fact = text.trim() === "" ? "it is empty" : `it is not JSON (${(cause as Error).message})`;
    throw new SyntaxError(`Cannot read ${JSON.stringify(path)}: ${fact}`, { cause });
  }
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
