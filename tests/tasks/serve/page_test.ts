/// <reference lib="dom" />
/** The page in Chromium, against the server that `deno task serve` starts. @module */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { decodeAudio, encodeWav } from "../../../data/audio/mod.ts";
import { withFolder } from "../run.ts";
import { type Browser, browserTest, canBrowse, launch } from "./chromium.ts";
import { faintTexts, layoutShift, nameless, overflowing, showsFocus } from "./page_checks.ts";
import { sample, Visit } from "./page_visit.ts";
import { forgetAll, type Served, serveModel } from "./served_model.ts";

/** Samples a second, and Hz, of what the microphone hears. */
const micRate = 48_000, micPitch = 440;

/** One browser whose microphone plays a tone, and one server, for all tests. */
let common: { readonly folder: string; readonly browser: Browser; readonly server: Served } | null = null;

Deno.test.beforeAll(async () => {
  if (!canBrowse) return;
  const folder = await Deno.makeTempDir({ prefix: "voxgrad-" });
  const tone = Float32Array.from(
    { length: 3 * micRate },
    (_, i) => 0.4 * Math.sin(2 * Math.PI * micPitch * i / micRate),
  );
  await Deno.writeFile(`${folder}/tone.wav`, encodeWav(tone, micRate));
  const browser = await launch([
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-audio-capture=${folder}/tone.wav`,
  ]);
  common = { folder, browser, server: await serveModel(folder) };
});

Deno.test.afterAll(async () => {
  await common?.browser.close();
  await common?.server[Symbol.asyncDispose]();
  if (common !== null) await Deno.remove(common.folder, { recursive: true });
});

/** Hands out the browser and the server, on which nobody is enrolled. */
async function withPage(use: (browser: Browser, address: string, folder: string) => Promise<void>): Promise<void> {
  if (common === null) throw new Error("Cannot test the page: there is no browser");
  await forgetAll(common.server);
  await use(common.browser, common.server.address, common.folder);
}

browserTest("people are enrolled from files, verified, identified and forgotten", async () => {
  await withPage(async (browser, address) => {
    await using visit = await (await Visit.open(browser, address)).ready();
    const { page } = visit;
    deepStrictEqual(await visit.people(), []);
    await visit.choose(sample("george"));
    match((await page.textContent("#source"))!, /^0_george_12\.wav: 0\.\d s at 8 kHz$/);
    strictEqual(await visit.identify(), "Nobody I know");
    strictEqual(await visit.enrol("Ada <b>"), "Ada <b> is enrolled");
    await visit.choose(sample("theo"));
    strictEqual(await visit.enrol("Böll & Söhne"), "Böll & Söhne is enrolled");
    deepStrictEqual((await visit.people()).sort(), ["Ada <b>", "Böll & Söhne"]);

    strictEqual(await visit.verify("Böll & Söhne"), "Yes, this is Böll & Söhne");
    ok(await visit.score() > 0.999);
    strictEqual(await visit.verify("Ada <b>"), "No, this is not Ada <b>");
    ok(await visit.score() < 0.97);
    strictEqual(await page.locator("b").count(), 0);

    strictEqual(await visit.identify(), "This is Böll & Söhne");
    deepStrictEqual(await page.locator(".ranking .name").allTextContents(), [
      "Böll & Söhne",
      "nobody I know",
      "Ada <b>",
    ]);
    await visit.choose(sample("jackson"));
    strictEqual(await page.locator(".verdict").count(), 0, "an answer goes with the recording that it was given to");
    strictEqual(await visit.identify(), "Nobody I know");

    await page.click('[aria-label="Forget Böll & Söhne"]');
    await page.click('#forget [value="keep"]');
    strictEqual((await visit.people()).length, 2);
    await page.click('[aria-label="Forget Böll & Söhne"]');
    await page.click('#forget [value="forget"]');
    await page.locator("#status", { hasText: "Böll & Söhne is forgotten" }).waitFor();
    deepStrictEqual(await visit.people(), ["Ada <b>"]);
    ok(await layoutShift(page) < 0.02, `the page moves by ${await layoutShift(page)}`);
  });
});

browserTest("the microphone is recorded, drawn and sent without loss", async () => {
  await withPage(async (browser, address) => {
    await using visit = await (await Visit.open(browser, address)).ready();
    const { page } = visit;
    // a body of raw bytes is not told to whoever watches the browser: keep it on its way
    await page.evaluate(() => {
      const { fetch } = globalThis;
      globalThis.fetch = (input, init) => {
        if (init?.body instanceof Blob) Object.assign(globalThis, { sent: init.body });
        return fetch(input, init);
      };
    });
    await page.click("#record");
    await page.waitForFunction(() =>
      /Recording: (1\.[5-9]|[2-9])/.test(document.getElementById("source")!.textContent!)
    );
    strictEqual(await page.getAttribute("#record", "aria-pressed"), "true");
    await page.click("#record");
    await page.waitForFunction(() => /^Your recording: /.test(document.getElementById("source")!.textContent!));
    strictEqual(await visit.enrol("Ada"), "Ada is enrolled");
    strictEqual(visit.posted.at(-1)!.type, "audio/wav");
    const sent = await page.evaluate(async () => {
      const { sent } = globalThis as unknown as { sent: Blob };
      return new Uint8Array(await sent.arrayBuffer()).toBase64();
    });
    const { samples, sampleRate, seconds } = await decodeAudio(Uint8Array.fromBase64(sent));
    ok(seconds > 1.4 && seconds < 4, `${seconds} s`);
    const [from, to] = [0.5, 1.3].map((time) => Math.round(time * sampleRate)); // the device begins with a moment of nothing
    const heard = samples.subarray(from, to);
    const rises = heard.filter((x, i) => i > 0 && heard[i - 1] < 0 && x >= 0).length;
    ok(Math.abs(rises / 0.8 - micPitch) < 5, `${rises / 0.8} Hz`);
    const peak = heard.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    ok(Math.abs(peak - 0.4) < 0.05, `peak ${peak}`);
    for (const [canvas, least] of [["waveform", 3], ["log-mel", 50]] as const) {
      match((await page.getAttribute(`#${canvas}`, "aria-label"))!, /of Your recording, \d\.\d s$/);
      const colours = await coloursOf(page, canvas);
      ok(colours >= least, `${canvas} is drawn in ${colours} colours`);
    }
  });
});

/** How many different colours a canvas has. */
async function coloursOf(page: Visit["page"], id: string): Promise<number> {
  return await page.evaluate((id) => {
    const canvas = document.getElementById(id) as HTMLCanvasElement;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  }, id);
}

browserTest("everything can be done by keyboard, and the focus is seen", async () => {
  await withPage(async (browser, address) => {
    await using visit = await (await Visit.open(browser, address)).ready();
    const { page } = visit;
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focus = () => page.evaluate(() => document.activeElement!.id || document.activeElement!.textContent!.trim());
    const tabTo = async (id: string) => {
      for (let i = 0; i < 30 && await focus() !== id; i++) {
        await press("Tab");
        ok(await showsFocus(page), `the focus on ${await focus()} is seen`);
      }
      strictEqual(await focus(), id);
    };
    page.on("filechooser", (chooser) => chooser.setFiles(sample("lucas")));
    await press("Tab");
    strictEqual(await focus(), "Skip to the content");
    await tabTo("choose");
    await press("Enter");
    await page.locator("#source", { hasText: "0_lucas_12.wav" }).waitFor();
    await tabTo("play");
    await tabTo("tab-identify");
    await press("ArrowRight");
    strictEqual(await focus(), "tab-verify");
    await press("End");
    strictEqual(await focus(), "tab-enrol");
    await tabTo("enrol-name");
    await page.keyboard.type("Ada");
    await tabTo("Enrol");
    await press("Enter");
    strictEqual(await visit.answer(), "Ada is enrolled");
    strictEqual(await focus(), "Enrol", "the focus stays");
    await tabTo("Forget");
    await press("Enter");
    strictEqual(await focus(), "Keep");
    await press("Escape");
    deepStrictEqual(await visit.people(), ["Ada"]);
    strictEqual(await focus(), "Forget", "the focus goes back");
    await press("Enter", "Tab");
    ok(await showsFocus(page));
    await press("Enter");
    await page.locator("#nobody").waitFor();
    strictEqual(await focus(), "people-title");
    deepStrictEqual(await nameless(page), []);
  });
});

browserTest("it fits a phone, and is read in light and in dark, whatever it shows", async (t) => {
  await withPage(async (browser, address) => {
    const long = "Wolfeschlegelsteinhausenbergerdorff " + "x".repeat(60);
    for (const colorScheme of ["light", "dark"] as const) {
      await t.step(colorScheme, async () => {
        const viewport = { width: 360, height: 740 };
        await using visit =
          await (await Visit.open(browser, address, { viewport, colorScheme, reducedMotion: "reduce" })).ready();
        const { page } = visit;
        const check = async (what: string) => {
          deepStrictEqual(await overflowing(page), [], what);
          const { faint, measured } = await faintTexts(page);
          deepStrictEqual(faint, [], what);
          ok(measured > 15, `${measured} texts`);
        };
        strictEqual(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
        await check("empty");
        await page.click("#identify [type=submit]");
        match((await page.textContent("#error"))!, /^There is no recording yet/);
        await check("an error");
        await visit.choose(sample("nicolas"));
        await visit.enrol(long);
        await check("enrolled");
        await visit.verify(long);
        await check("the same");
        await visit.identify();
        await check("a ranking");
        await visit.choose(sample("theo"));
        await visit.verify(long);
        await check("somebody else");
        await page.click(`[aria-label="Forget ${long}"]`);
        await check("a question");
        await page.click('#forget [value="keep"]');
        strictEqual(
          await page.evaluate(() => getComputedStyle(document.getElementById("record")!).transitionDuration),
          "0s",
        );
        await page.click("#theme");
        const other = colorScheme === "light" ? "dark" : "light";
        strictEqual(await page.evaluate(() => document.documentElement.dataset.theme), other);
        await check(other);
        await page.reload();
        strictEqual(await page.evaluate(() => document.documentElement.dataset.theme), other, "a choice is kept");
      });
    }
  });
});

browserTest("computed on this device, the score is the server's and the voice is not sent", async (t) => {
  await withPage(async (browser, address) => {
    let wanted = 0;
    await t.step("on the server", async () => {
      await using visit = await (await Visit.open(browser, address)).ready();
      await visit.choose(sample("george"));
      await visit.enrol("Ada");
      await visit.choose(sample("george", "3_40"));
      await visit.verify("Ada");
      wanted = await visit.score();
      ok(wanted < 0.999);
      deepStrictEqual(visit.posted.map(({ type }) => type), ["audio/wav", "audio/wav"]);
    });
    for (const [device, place] of [["cpu", "this processor"], ["webgpu", "the graphics card"]]) {
      await t.step(device, async () => {
        await using visit = await (await Visit.open(browser, address, { search: `?device=${device}` })).ready();
        await visit.choose(sample("george", "3_40"));
        match(await visit.computeHere(), new RegExp(`^On: your voice stays here\\. .* that ${place} computes \\(`));
        await visit.verify("Ada");
        ok(Math.abs(await visit.score() - wanted) <= 1e-3, `${await visit.score()}, on the server ${wanted}`);
        strictEqual(await visit.enrol("Ada, computed here"), "Ada, computed here is enrolled");
        strictEqual(visit.posted.length, 2);
        for (const { type, body } of visit.posted) {
          strictEqual(type, "application/json");
          deepStrictEqual(Object.keys(JSON.parse(body!)).sort(), ["embedding", "model", "name", "seconds"]);
        }
        await visit.page.uncheck("#local");
        match((await visit.page.textContent("#local-note"))!, /^Off: /);
      });
    }
    await t.step("while the model is still on its way", async () => {
      await using visit = await (await Visit.open(browser, address)).ready();
      const { page } = visit, { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
      await page.route("**/api/model/weights", async (route) => {
        await asked;
        await route.continue();
      });
      await visit.choose(sample("george", "3_40"));
      await page.check("#local");
      const answer = visit.verify("Ada");
      await page.locator("#status", { hasText: "Comparing" }).waitFor();
      deepStrictEqual(visit.posted, []);
      onAsked();
      strictEqual(await answer, "No, this is not Ada");
      deepStrictEqual(visit.posted.map(({ type }) => type), ["application/json"]);
    });
    await t.step("when the model does not come", async () => {
      await using visit = await (await Visit.open(browser, address)).ready();
      const { page } = visit, { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
      await page.route("**/api/model/weights", async (route) => {
        await asked;
        await route.abort();
      });
      await visit.choose(sample("george", "3_40"));
      await page.check("#local");
      await page.click("#identify [type=submit]");
      onAsked();
      await page.locator("#error", { hasText: /^The recording was not sent/ }).waitFor();
      match((await page.textContent("#local-note"))!, /^Still off: The server does not answer/);
      strictEqual(await page.isChecked("#local"), false);
      deepStrictEqual(visit.posted, []);
      visit.complaints.length = 0; // Chromium tells of the request that came to nothing
    });
  });
});

browserTest("what cannot be used is refused in plain words", async () => {
  await withPage(async (browser, address, folder) => {
    await using visit = await (await Visit.open(browser, address)).ready();
    const { page } = visit;
    const refusal = async (path: string): Promise<string> => {
      await page.setInputFiles("#file", path);
      const error = page.locator("#error", { hasText: /./ });
      await error.waitFor();
      return (await error.textContent())!;
    };
    await Deno.writeTextFile(`${folder}/poem.txt`, "Wanderers Nachtlied");
    match(await refusal(`${folder}/poem.txt`), /^"poem\.txt" is not a recording that this browser can read/);
    const wav = await Deno.readFile(sample("theo"));
    await Deno.writeFile(`${folder}/cut.wav`, wav.subarray(0, 1000));
    match(await refusal(`${folder}/cut.wav`), /^Cannot read "cut\.wav": 8 kHz recording is truncated/);
    await Deno.writeFile(`${folder}/silent.wav`, encodeWav(new Float32Array(16000), 16000));
    await visit.choose(`${folder}/silent.wav`);
    strictEqual(await page.textContent("#error"), "");
    await page.click("#identify [type=submit]");
    match((await page.locator("#error", { hasText: /./ }).textContent())!, /silent/);
    visit.complaints.length = 0; // Chromium tells of the refused request
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      for (const name of ["a.wav", "b.wav"]) transfer.items.add(new File(["x"], name));
      return transfer;
    });
    await page.dispatchEvent("#drop", "drop", { dataTransfer: data });
    match(
      (await page.locator("#error", { hasText: /./ }).textContent())!,
      /^These are 2 files: one recording at a time$/,
    );

    await page.route("**/api/model", async (route) => {
      await route.fulfill({ json: { ...await (await route.fetch()).json(), isShared: false, maxSeconds: 0.1 } });
    });
    await page.reload();
    await page.locator("#local-note", { hasText: "does not give its model away" }).waitFor();
    ok(await page.isDisabled("#local"));
    await page.route("**/api/model", async (route) => {
      const tooLarge = { isShared: false, oversize: 405e6, maxSharedBytes: 2 ** 26, maxSeconds: 0.1 };
      await route.fulfill({ json: { ...await (await route.fetch()).json(), ...tooLarge } });
    });
    await page.reload();
    const why = "Off: the model has 386 MB, and a browser is sent 64 MB at most, so recordings are sent to the server.";
    await page.locator("#local-note", { hasText: why }).waitFor();
    ok(await page.isDisabled("#local"));
    const shots = Deno.env.get("VOXGRAD_SHOTS"); // a folder for pictures to look at
    for (const colorScheme of shots === undefined ? [] : ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.reload();
      await page.locator("#local-note", { hasText: why }).waitFor();
      await page.screenshot({ path: `${shots}/too_large_${colorScheme}.png`, fullPage: true });
    }
    match(await refusal(sample("theo")), /^"0_theo_12\.wav" is longer than 0\.1 seconds: cut it shorter$/);
  });
});

browserTest("a server that wants a token is given one", async () => {
  await withFolder(async (folder) => {
    const token = "open sesame, open sesame".replaceAll(" ", "-");
    await using server = await serveModel(folder, { token });
    await using browser = await launch();
    await using visit = await Visit.open(browser, server.address);
    const { page } = visit;
    await page.fill("#token", "please");
    await page.keyboard.press("Enter");
    await page.locator("#token-hint", { hasText: "not accepted" }).waitFor();
    await page.fill("#token", token);
    await page.keyboard.press("Enter");
    await visit.ready();
    await visit.choose(sample("theo"));
    strictEqual(await visit.enrol("Ada"), "Ada is enrolled");
    match(await visit.computeHere(), /^On/);
    visit.complaints.length = 0; // Chromium tells of the refused requests
  });
});
