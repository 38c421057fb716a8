/// <reference lib="dom" />
/** Somebody who uses the page, and watches what it does. @module */
import { deepStrictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "./chromium.ts";

/** How the page is visited. */
export interface VisitOptions {
  /** Default 1280 × 900. */
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce";
  /** What follows the address, such as "?device=cpu". */
  readonly search?: string;
}

/** A recording of the sample data: of theo, george, lucas, jackson or nicolas. */
export function sample(speaker: string, take = "0_12"): string {
  const [digit, serial] = take.split("_");
  return fileURLToPath(new URL(`../../../data/samples/${speaker}/${digit}_${speaker}_${serial}.wav`, import.meta.url));
}

/** The page in a browser window of its own. */
export class Visit implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #address: string;
  /** Hosts that were asked for something, other than the server. */
  readonly strangers = new Set<string>();
  /** What the console said, and errors that nobody caught. */
  readonly complaints: string[] = [];
  /** Type and body of what was posted; the body of a recording is null. */
  readonly posted: { readonly type: string; readonly body: string | null }[] = [];

  private constructor(context: BrowserContext, page: Page, address: string) {
    this.#context = context;
    this.page = page;
    this.#address = address;
    page.on("console", (message) => this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    context.on("request", (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(address)) this.strangers.add(request.url());
      if (request.method() !== "POST") return;
      this.posted.push({ type: request.headers()["content-type"], body: request.postData() });
    });
  }

  /** Opens the page and waits until it shows the model. */
  static async open(browser: Browser, address: string, { search = "", ...options }: VisitOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const visit = new Visit(context, await context.newPage(), address);
    await visit.page.goto(`${address}/${search}`);
    return visit;
  }

  /** Waits until the list of people has been shown. */
  async ready(): Promise<this> {
    await this.page.waitForFunction(() =>
      document.querySelector("#people li") !== null || !document.getElementById("nobody")!.hidden
    );
    return this;
  }

  /** Chooses a file and waits until it is shown. */
  async choose(path: string): Promise<void> {
    await this.page.setInputFiles("#file", path);
    await this.page.waitForFunction(
      (name) => document.getElementById("source")!.textContent!.startsWith(name),
      path.split("/").at(-1)!,
    );
  }

  /** Enrols the current recording. */
  async enrol(name: string): Promise<string> {
    await this.page.click("#tab-enrol");
    await this.page.fill("#enrol-name", name);
    return await this.#ask("enrol");
  }

  /** Asks whether the current recording is of a person. */
  async verify(name: string): Promise<string> {
    await this.page.click("#tab-verify");
    await this.page.selectOption("#verify-name", name);
    return await this.#ask("verify");
  }

  /** Asks whose the current recording is. */
  async identify(): Promise<string> {
    await this.page.click("#tab-identify");
    return await this.#ask("identify");
  }

  async #ask(form: string): Promise<string> {
    await this.page.click(`#${form} [type=submit]`);
    return await this.answer();
  }

  /** The answer, once there is one. */
  async answer(): Promise<string> {
    return (await this.page.locator(".verdict").textContent({ timeout: 20_000 }))!;
  }

  /** The score that is drawn. */
  async score(): Promise<number> {
    return Number((await this.page.locator(".scale .score").textContent())!.replace("−", "-"));
  }

  /** Names in the list of people. */
  async people(): Promise<string[]> {
    return await this.page.locator("#people .name").allTextContents();
  }

  /** Turns the local switch on and waits until the engine is ready: what the page says of it. */
  async computeHere(): Promise<string> {
    await this.page.check("#local");
    const note = this.page.locator("#local-note", { hasText: /^(On|Still off)/ });
    return (await note.textContent({ timeout: 30_000 }))!;
  }

  /** Closes the window; nothing may have been asked of another host, and nothing may have gone wrong unseen. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    deepStrictEqual([...this.strangers], [], `asked of others than ${this.#address}`);
    deepStrictEqual(this.complaints, []);
  }
}
