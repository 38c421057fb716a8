/** Up to three names in quotes for a message, and dots where there are more. */
export function quoteSome(names: Iterable<string>): string {
  const all = [...names];
  return all.slice(0, 3).map((name) => JSON.stringify(name)).join(", ") + (all.length > 3 ? ", …" : "");
}
