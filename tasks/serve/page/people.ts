/// <reference lib="dom" />
/** The list of those who are enrolled. @module */
import type { Server, Speaker } from "./api.ts";
import { make, part } from "./dom.ts";

/** Shows and forgets people. */
export class People {
  readonly #server: Server;
  readonly #trying: (work: () => Promise<void>) => Promise<void>;

  /** `trying` runs what may fail and shows why. */
  constructor(server: Server, trying: (work: () => Promise<void>) => Promise<void>) {
    this.#server = server;
    this.#trying = trying;
  }

  /** Asks the server anew. */
  async refresh(): Promise<void> {
    const speakers = await this.#server.speakers();
    part("people", HTMLUListElement).replaceChildren(...speakers.map((speaker) => this.#row(speaker)));
    part("nobody", HTMLElement).hidden = speakers.length > 0;
    part("known-names", HTMLDataListElement).replaceChildren(
      ...speakers.map(({ name }) => make("option", { value: name })),
    );
    showNames(part("verify-name", HTMLSelectElement), speakers.map(({ name }) => name));
  }

  #row(speaker: Speaker): HTMLElement {
    const { name, recordings, seconds } = speaker;
    const button = make("button", { type: "button", "aria-label": `Forget ${name}` }, "Forget");
    button.addEventListener("click", () => this.#trying(() => this.#forget(speaker)));
    const facts = [`${counted(recordings, "recording")}, ${seconds.toFixed(1)} s`, dateOf(speaker)];
    const who = make("span", { class: "who" }, make("span", { class: "name", title: name }, name));
    who.append(...facts.map((fact) => make("span", { class: "facts" }, fact)));
    return make("li", {}, who, button);
  }

  async #forget({ name, recordings }: Speaker): Promise<void> {
    const what = recordings === 1
      ? "The embedding of one recording is"
      : `The embeddings of ${recordings} recordings are`;
    part("forget-title", HTMLElement).textContent = `Forget ${name}?`;
    part("forget-what", HTMLElement).textContent = `${what} deleted for good.`;
    if (await answerOf(part("forget", HTMLDialogElement)) !== "forget") return;
    await this.#server.forget(name);
    await this.refresh();
    part("status", HTMLElement).textContent = `${name} is forgotten`;
    part("people-title", HTMLElement).focus(); // the button that had it is gone
  }
}

/** Opens a dialog: the value of the button that closed it, "" for Escape. */
async function answerOf(dialog: HTMLDialogElement): Promise<string> {
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue;
}

/** Offers names, and keeps the chosen one where it is still among them. */
function showNames(select: HTMLSelectElement, names: readonly string[]): void {
  const chosen = select.value;
  select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
  if (names.includes(chosen)) select.value = chosen;
  select.disabled = names.length === 0;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function dateOf({ enrolled }: Speaker): string {
  const date = new Date(enrolled);
  return Number.isNaN(date.getTime())
    ? enrolled
    : `since ${date.toLocaleDateString(undefined, { dateStyle: "medium" })}`;
}
