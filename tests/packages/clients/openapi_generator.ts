// From a template to the record of a finished run, then every run and event, by a client of openapi-generator.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  BooleanStepDraftTypeEnum,
  ChoiceStepDraftTypeEnum,
  Configuration,
  EventsApi,
  ExecutorApi,
  PhotoStepDraftTypeEnum,
  ResponseError,
  RunsApi,
  TemplatesApi,
  type AnswerBody,
  type TemplateDraft,
} from "./rundun/index.js";

const basePath = process.env.SERVICE ?? "";
const rundun = new Configuration({ basePath, accessToken: process.env.KEY ?? "" });
const [templates, runs, events] = [new TemplatesApi(rundun), new RunsApi(rundun), new EventsApi(rundun)];
const phone = new ExecutorApi(new Configuration({ basePath }));

const templateDraft: TemplateDraft = {
  name: "Kitchen",
  steps: [
    { id: "s-oven", type: BooleanStepDraftTypeEnum.Boolean, label: "Is the oven clean?" },
    {
      id: "s-fridge",
      type: ChoiceStepDraftTypeEnum.Choice,
      label: "How is the fridge?",
      config: { options: [{ id: "o-empty", label: "Empty" }, { id: "o-full", label: "Full" }] },
    },
    { id: "s-kitchen", type: PhotoStepDraftTypeEnum.Photo, label: "The kitchen as you leave it" },
  ],
};

async function main(picture: Uint8Array<ArrayBuffer>): Promise<void> {
  if (!(await templates.checkTemplate({ templateDraft })).valid) throw new Error("not valid");
  const { id } = await templates.createTemplate({ templateDraft });
  const { runId } = await runs.dispatchRun({
    dispatchBody: { templateId: id, executorRef: "booking_12345" },
    idempotencyKey: randomUUID(),
  });

  await phone.startRun({ runId, startBody: {} });
  const stepId = "s-kitchen";
  const { photoId } = await phone.putPhoto({ runId, stepId, photoId: `ph-${randomUUID()}`, body: new Blob([picture]) });
  const answers: Record<string, AnswerBody> = {
    "s-oven": { value: true },
    "s-fridge": { value: "o-empty" },
    "s-kitchen": { value: null, photos: [photoId] },
  };
  for (const [stepId, answerBody] of Object.entries(answers)) {
    const { step } = await phone.answerStep({ runId, stepId, answerBody });
    if (!step.done) throw new Error(`${stepId} still waits for ${step.waitingFor}`);
  }
  await phone.completeRun({ runId, body: {} });

  const record = await runs.getRun({ runId });
  console.log(record.status, record.completedAt?.toISOString());
  for (const [stepId, { value, photos }] of Object.entries(record.answers)) {
    console.log(stepId, value, ...photos.map((photo) => photo.url));
  }
  if ((await (await runs.getRunArchive({ runId })).slice(0, 4).text()) !== "PK\x03\x04") throw new Error("no ZIP");
  for (const { runId } of (await runs.listRuns({ limit: 100 })).data) await runs.getRun({ runId });
  const { data } = await events.listEvents({ limit: 100 });
  console.log(...[...new Set(data.map((entry) => entry.event))].sort());
  try {
    await runs.dispatchRun({ dispatchBody: { templateId: "t-nowhere" } });
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    console.log(error.response.status, (await error.response.json()).code);
  }
}

void main(new Uint8Array(readFileSync(process.argv[2] ?? "kitchen.jpg")));
