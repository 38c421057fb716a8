/** What importing costs: which modules are reached, in which direction, and that nothing happens. @module */
import assert from "node:assert/strict";
import { withFolder } from "./data/sets/make_data_set.ts";

const checkout = new URL("../", import.meta.url);

/** Folders from the one that imports all others to the one that imports none. */
const layers = ["mod.ts", "tasks", "train", "data", "nn", "tensor"];

/** One import: who, of what as it is written, and the module it means. */
interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly target: string;
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier: string };
      readonly type?: { readonly specifier: string };
    }[];
  }[];
}

async function deno(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: checkout,
    env: { NO_COLOR: "1" },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** Every import, of values or types, of everything that a module reaches; modules of the checkout as paths in it. */
async function importsFrom(path: string): Promise<Import[]> {
  const { code, out, err } = await deno("info", "--json", path);
  assert.equal(code, 0, err);
  const name = (specifier: string) => specifier.replace(checkout.href, "");
  return (JSON.parse(out) as ModuleGraph).modules.flatMap(({ specifier: from, dependencies = [] }) =>
    dependencies.map(({ specifier, code, type }) => ({
      from: name(from),
      specifier,
      target: name((code ?? type)?.specifier ?? ""),
    }))
  );
}

/** Every TypeScript file below a folder of the checkout. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, checkout))) {
    if (isDirectory) yield* filesBelow(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

/** Every import of every file outside tests/, whether or not anything reaches the file. */
async function allImports(): Promise<Import[]> {
  const files = ["mod.ts"];
  for (const folder of layers.slice(1)) for await (const file of filesBelow(folder)) files.push(file);
  let imports: Import[] = [];
  await withFolder({}, async (folder) => {
    const root = `${folder}/all.ts`;
    await Deno.writeTextFile(
      root,
      files.map((file) => `import ${JSON.stringify(new URL(file, checkout).href)};\n`).join(""),
    );
    imports = (await importsFrom(root)).filter(({ from }) => !from.endsWith("/all.ts"));
  });
  assert.ok(new Set(imports.map(({ from }) => from)).size > 150);
  return imports;
}

/** Whether a specifier means the same wherever the importing file comes from, import map or none. */
function travels(specifier: string): boolean {
  return /^\.\.?\/.*\.(ts|js|wasm)$/.test(specifier) || specifier.startsWith("node:") ||
    /^npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(\/.*)?$/.test(specifier);
}

Deno.test("a specifier travels if it is relative with extension, node: or npm:name@version", () => {
  for (const good of ["./a.ts", "../b/mod.ts", "node:path", "npm:commander@15.1.0", "npm:@audio/decode-mp3@1.3.1"]) {
    assert.ok(travels(good), good);
  }
  for (
    const bad of ["commander", "@std/assert", "npm:commander", "npm:commander@15", "./a", "/a.ts", "jsr:@std/fs@1.0.0"]
  ) {
    assert.ok(!travels(bad), bad);
  }
});

Deno.test("everything that mod.ts reaches is imported by a specifier that travels", async () => {
  const imports = await importsFrom("mod.ts");
  assert.ok(imports.length > 300);
  assert.deepEqual(imports.filter(({ specifier }) => !travels(specifier)), []);
  const outside = imports.filter(({ from, target }) =>
    /^(tasks|tests)\//.test(from) || /^(tasks|tests)\//.test(target)
  );
  assert.deepEqual(outside, []);
});

Deno.test("imports point one way: tasks, train, data, nn, tensor", async () => {
  const layerOf = (path: string) => layers.findIndex((layer) => path === layer || path.startsWith(`${layer}/`));
  const wrong = (await allImports()).filter(({ from, target }) => {
    const isOurs = !/^(node|npm|data):/.test(target);
    return isOurs && (layerOf(target) < layerOf(from) || layerOf(target) < 0);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("tensor/ and nn/ depend on nothing outside, Deno included", async () => {
  const isEngine = (path: string) => /^(tensor|nn)\//.test(path);
  const imports = (await allImports()).filter(({ from }) => isEngine(from));
  assert.ok(imports.length > 200);
  assert.deepEqual(imports.filter(({ target }) => !isEngine(target)), []);
  for (const file of new Set(imports.map(({ from }) => from))) {
    const text = await Deno.readTextFile(new URL(file, checkout));
    const code = text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, /\bDeno\./, file);
  }
});

Deno.test("importing mod.ts needs no permission, prints nothing and opens no device", async () => {
  const bare = await deno("run", "--no-prompt", "mod.ts");
  assert.deepEqual(bare, { code: 0, out: "", err: "" });
  const watched = await deno("run", "--no-prompt", "tests/fixtures/imports/watch.ts");
  assert.equal(watched.code, 0, watched.err);
  assert.deepEqual(JSON.parse(watched.out), { whileImporting: [], afterwards: ["Memory", "requestAdapter"] });
});
