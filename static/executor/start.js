// The start screen is written by the server, so that it is there before any script. This wires its form.

import { set, setText } from "./dom.js";
import { length, nowUtc, tidy } from "./values.js";
import { explain, lang, showTime, t } from "./words.js";

const LONGEST = { name: 200, email: 254, phone: 40 };

export function wireStart(session, page, onStarted) {
  const form = page.querySelector("form");
  const field = form.querySelector("input");
  const wrong = form.querySelector(".wrong");
  const button = form.querySelector("button");
  for (const time of page.querySelectorAll("time")) setText(time, showTime(time.dateTime));
  button.disabled = false;
  field?.addEventListener("input", () => say(null));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const identity = { language: session.run.language ?? lang, client_time: nowUtc() };
    if (field) {
      const value = tidy(field.value);
      const complaint = check(field, value);
      if (complaint) {
        say(t(complaint));
        field.focus();
        return;
      }
      identity[field.name] = value;
    }
    button.disabled = true;
    say(null);
    setText(button.querySelector("span"), t("starting"));
    try {
      await session.start(identity);
      onStarted();
    } catch (problem) {
      if (session.closed || session.closes(problem)) return;
      say(problem.status ? explain(problem) : t("no_connection"));
      button.disabled = false;
      setText(button.querySelector("span"), t("start"));
    }
  });

  function say(words) {
    setText(wrong, words ?? "");
    if (field) set(field, "aria-invalid", words ? "true" : null);
  }
}

function check(field, value) {
  if (value === "") return `identity_${field.name}_needed`;
  if (length(value) > LONGEST[field.name]) return "identity_long";
  if (field.name === "email" && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value)) return "identity_email_wrong";
  if (field.name === "phone" && !/^\+?[\d ()./-]*\d[\d ()./-]*\d[\d ()./-]*\d[\d ()./-]*$/.test(value)) return "identity_phone_wrong";
  return null;
}
