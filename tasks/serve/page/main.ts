/// <reference lib="dom" />
/** The page: a recording on one side, what to do with it on the other. @module */
import { type ServedModel, Server, ServerError, type Voice } from "./api.ts";
import { busyWith, part } from "./dom.ts";
import { LocalSwitch } from "./local_switch.ts";
import { messageOf } from "./message.ts";
import { People } from "./people.ts";
import { RecordingCard } from "./recording_card.ts";
import { enrolmentResult, identificationResult, verificationResult } from "./results.ts";
import { startTabs } from "./tabs.ts";

const error = part("error", HTMLElement);
const status = part("status", HTMLElement);
const result = part("result", HTMLElement);

const server = new Server();
const recording = new RecordingCard({ onError: showError, onChange: clearAnswer });
const local = new LocalSwitch(server);
const people = new People(server, trying);

/** Counts questions, so that the answer to one that has been given up is not shown. */
let question = 0;

/** Gives up the question and its answer: they belong to one recording. */
function clearAnswer(): void {
  question++;
  result.replaceChildren();
  showStatus("");
  showError("");
}

function showError(message: string): void {
  error.textContent = message;
}

/** What is going on at the moment; "" for nothing. */
function showStatus(doing: string): void {
  status.textContent = doing;
  status.classList.toggle("busy", doing !== "");
}

/** Runs what may fail, and shows why it did. */
async function trying(work: () => Promise<void>): Promise<void> {
  showError("");
  try {
    await work();
  } catch (failure) {
    if (failure instanceof ServerError && failure.status === 401) askForToken();
    else showError(messageOf(failure));
  }
}

/** Makes a form ask something about the current recording. */
function onSubmit(id: string, { doing, ask }: { doing: string; ask: (voice: Voice) => Promise<Node[]> }): void {
  const form = part(id, HTMLFormElement);
  const button = form.querySelector("button")!;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busyWith(button, () => answer(doing, ask));
  });
}

/** Asks about the current recording, and shows what is answered. */
async function answer(doing: string, ask: (voice: Voice) => Promise<Node[]>): Promise<void> {
  clearAnswer();
  const mine = question;
  await trying(async () => {
    const { clip } = recording;
    if (clip === null) throw new Error("There is no recording yet: record something, or choose a file");
    showStatus(doing);
    const found = await ask(await local.voiceOf(clip));
    if (mine === question) result.replaceChildren(...found);
  });
  if (mine === question) showStatus("");
}

onSubmit("identify", {
  doing: "Comparing with everybody …",
  ask: async (voice) => identificationResult(await server.identify(voice)),
});

onSubmit("verify", {
  doing: "Comparing …",
  ask: async (voice) => verificationResult(await server.verify(part("verify-name", HTMLSelectElement).value, voice)),
});

onSubmit("enrol", {
  doing: "Learning the voice …",
  async ask(voice) {
    const enrolment = await server.enrol(part("enrol-name", HTMLInputElement).value.trim(), voice);
    await people.refresh();
    return enrolmentResult(enrolment);
  },
});

startTabs(document.querySelector('[role="tablist"]')!, clearAnswer);

/** Shows the form for the token; what it is given is tried at once. */
function askForToken(): void {
  const form = part("token-form", HTMLFormElement);
  if (server.token !== null) {
    part("token-hint", HTMLElement).textContent = "It was not accepted. Whoever runs the server knows the right one.";
  }
  form.hidden = false;
  part("token", HTMLInputElement).focus();
}

part("token-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  server.token = part("token", HTMLInputElement).value.trim();
  part("token-form", HTMLFormElement).hidden = true;
  trying(start);
});

function describe({ architecture, dim, eer }: ServedModel): string {
  const measured = eer === undefined ? "" : `, equal error rate ${(100 * eer).toFixed(1)} %`;
  return `${architecture}, ${dim} numbers a voice${measured}`;
}

async function start(): Promise<void> {
  const model = await server.model();
  recording.model = model;
  if (!model.isShared) local.forbid(model);
  part("model", HTMLElement).textContent = describe(model);
  await people.refresh();
}

trying(start);
