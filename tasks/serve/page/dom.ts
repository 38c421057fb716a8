/// <reference lib="dom" />
/** Finding and making parts of the page. @module */

/** The element with an id, which has to be of a class. */
export function part<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`internal: the page has no ${type.name} "${id}"`);
}

type Child = Node | string;
type Attributes = Readonly<Record<string, string>>;

/** A new element. Texts become text, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for a part of a drawing. */
export function draw<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Does something that takes a while, and takes no second order meanwhile. The control is not `disabled`, which would take the focus from
 * whoever uses the keyboard.
 */
export async function busyWith(control: HTMLElement, work: () => Promise<void>): Promise<void> {
  if (control.ariaDisabled === "true") return;
  control.ariaDisabled = "true";
  try {
    await work();
  } finally {
    control.ariaDisabled = "false";
  }
}
