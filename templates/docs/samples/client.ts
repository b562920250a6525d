// From a template to the record of a finished run, with types that openapi-typescript has made.
//
//     SERVICE=http://127.0.0.1:8000 KEY=rdk_live_… node client.js kitchen.jpg

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./rundun.js";

const { SERVICE, KEY } = process.env;
const rundun = createClient<paths>({ baseUrl: SERVICE, headers: { Authorization: `Bearer ${KEY}` } });
const phone = createClient<paths>({ baseUrl: SERVICE }); // the executor has no key: the run's id is the right to do it

type Answer<T> = { data?: T; error?: components["schemas"]["ProblemDetails"] };

/** What was answered; whatever was refused ends the program with all that is wrong. */
function ok<T>({ data, error }: Answer<T>): T {
  if (data === undefined) throw new Error(`refused: ${JSON.stringify(error)}`);
  return data;
}

const draft: components["schemas"]["TemplateDraft"] = {
  name: "Kitchen",
  steps: [
    { id: "s-oven", type: "boolean", label: "Is the oven clean?" },
    {
      id: "s-fridge",
      type: "choice",
      label: "How is the fridge?",
      config: { options: [{ id: "o-empty", label: "Empty" }, { id: "o-full", label: "Full" }] },
    },
    { id: "s-kitchen", type: "photo", label: "The kitchen as you leave it" },
  ],
};

async function main(picture: Uint8Array): Promise<void> {
  const { warnings } = ok(await rundun.POST("/v1/templates/check", { body: draft }));
  for (const warning of warnings) console.log("warning:", warning.detail);
  const template = ok(await rundun.POST("/v1/templates", { body: draft }));
  const { run_id } = ok(
    await rundun.POST("/v1/runs", {
      params: { header: { "Idempotency-Key": randomUUID() } },
      body: { template_id: template.id, executor_ref: "booking_12345" },
    }),
  );

  ok(await phone.POST("/r/{run_id}/start", { params: { path: { run_id } }, body: {} }));
  const { photo_id } = ok(
    await phone.PUT("/r/{run_id}/steps/{step_id}/photos/{photo_id}", {
      params: { path: { run_id, step_id: "s-kitchen", photo_id: `ph-${randomUUID()}` } },
      headers: { "Content-Type": "image/jpeg" },
      body: picture,
      bodySerializer: (bytes) => bytes,
    }),
  );
  const answers: Record<string, components["schemas"]["AnswerBody"]> = {
    "s-oven": { value: true },
    "s-fridge": { value: "o-empty" },
    "s-kitchen": { value: null, photos: [photo_id] },
  };
  for (const [step_id, body] of Object.entries(answers)) {
    const { step } = ok(
      await phone.PUT("/r/{run_id}/steps/{step_id}", { params: { path: { run_id, step_id } }, body }),
    );
    if (!step.done) throw new Error(`${step_id} still waits for ${step.waiting_for}`);
  }
  ok(await phone.POST("/r/{run_id}/complete", { params: { path: { run_id } }, body: {} }));

  const record = ok(await rundun.GET("/v1/runs/{run_id}", { params: { path: { run_id } } }));
  console.log(record.status, record.completed_at);
  for (const [step_id, { value, photos }] of Object.entries(record.answers)) {
    console.log(step_id, value, ...photos.map((photo) => photo.url));
  }
}

void main(readFileSync(process.argv[2] ?? "kitchen.jpg"));
