import { ok, rejects, strictEqual } from "node:assert/strict";
import { deepStrictEqual, throws } from "node:assert/strict";
import { parseYaml, YamlFile } from "../../../train/import/yaml.ts";

const read = async (text: string) => new YamlFile("h.yaml", await parseYaml(text, "h.yaml"));

Deno.test("YAML: values as PyYAML types them, tags kept as text, references followed", async () => {
  const file = await read(`
n_mels: 80
rate: 5.0e-05
small: 1e-5
pretrained_path: speechbrain/spkrec
gpus: '[0,1]'
no: False
y: yes
empty:
compute: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
    again: !ref <compute[n_mels]>
activation: !name:torch.nn.LeakyReLU
channels: [64, !ref <n_mels>, 192]
where: !ref <pretrained_path>/embedding_model.ckpt
evil: !!python/object/apply:os.system ["touch /tmp/voxgrad-was-here"]
pair: !!python/tuple [1, 2]
`);
  strictEqual(file.number("n_mels"), 80);
  strictEqual(file.number("rate"), 5e-5);
  strictEqual(file.number("small"), 1e-5);
  strictEqual(file.text("gpus"), "[0,1]");
  strictEqual(file.boolean("no", true), false);
  strictEqual(file.boolean("y", false), true);
  strictEqual(file.node("empty"), undefined);
  strictEqual(file.number("compute.n_mels"), 80);
  strictEqual(file.number("compute.again"), 80);
  strictEqual(file.node("compute")?.tag, "!new:speechbrain.lobes.features.Fbank");
  strictEqual(file.node("activation")?.tag, "!name:torch.nn.LeakyReLU");
  strictEqual(file.text("where"), "speechbrain/spkrec/embedding_model.ckpt");
  ok(file.node("evil")?.tag.endsWith("python/object/apply:os.system"));
  deepStrictEqual(file.numbers("pair"), [1, 2]);
  deepStrictEqual(file.keys("compute"), ["n_mels", "again"]);
  throws(() => file.numbers("channels"), /"h.yaml": channels is \[64, <n_mels>, 192\], expected a list of numbers/);
  throws(() => file.number("pretrained_path"), /pretrained_path is "speechbrain\/spkrec", expected a number/);
  throws(() => file.boolean("n_mels", true), /n_mels is 80, expected true or false/);
});

Deno.test("YAML: anchors, aliases and merges within bounds", async () => {
  const file = await read("a: &x {b: 1, c: 2}\nd: *x\ne:\n  <<: *x\n  c: 3\n");
  strictEqual(file.number("d.b"), 1);
  deepStrictEqual([file.number("e.b"), file.number("e.c")], [1, 3]);
  const bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 10; i++) bomb.push(`a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(",")}]`);
  await rejects(read(bomb.join("\n")), /"h.yaml": it has more than 50000 values, aliases written out/);
  await rejects(read("a: &a [*a]"), SyntaxError);
  await rejects(read("[".repeat(200) + "]".repeat(200)), /nested more than 50 deep/);
  await rejects(read("[".repeat(100_000)), SyntaxError);
  await rejects(read("a: *nowhere"), SyntaxError);
});

Deno.test("YAML: what does not parse, and references to nothing or themselves", async () => {
  await rejects(read("a: [1, 2"), /Cannot import "h.yaml": /);
  await rejects(read("a: 1\na: 2"), /keys must be unique/);
  const file = await read("a: !ref <b>\nb: !ref <a>\nc: !ref <gone>\n__proto__: {x: 1}\n");
  throws(() => file.number("a"), /a refers to itself by way of <b>/);
  throws(() => file.number("c"), /c refers to <gone>, which the file does not have/);
  strictEqual(file.number("__proto__.x"), 1);
  strictEqual(file.node("constructor.name"), undefined);
});
