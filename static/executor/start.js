// Connects the form of the start screen, which is in the HTML, so that it is there before any script.

import { problemText, setAttr, setText, showTimes, t, texts, connectLanguages } from "./dom.js";
import { rememberLanguage } from "./offline/db.js";
import { length, nowUtc, tidy } from "./rules.js";

// Messages that the server writes with a number, and dom.js rewrites with the reader's own digits.
export const COUNTED = ["minutes", "steps"];
const START_TIMEOUT_MS = 2000;
const PHONE = /^\+?[\d ()./-]*\d[\d ()./-]*\d[\d ()./-]*\d[\d ()./-]*$/;
const MAX_LENGTH = { name: 200, email: 254, phone: 40 };

/** Connects the start screen, `page`; `onStarted()` is called once the work may begin. */
export function connectStart(session, page, onStarted) {
  const form = page.querySelector("form");
  const field = form.querySelector("input");
  const wrong = form.querySelector(".wrong");
  const button = form.querySelector("button");
  showTimes(page);
  connectLanguages(page.querySelector("#language"), (tag) => rememberLanguage(session.run.run_id, tag));
  button.disabled = false;
  field?.addEventListener("input", () => showWrong(null));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const identity = { language: texts, client_time: nowUtc() };
    if (field) {
      const value = tidy(field.value);
      const complaint = findComplaint(field, value);
      if (complaint) {
        showWrong(t(complaint));
        field.focus();
        return;
      }
      identity[field.name] = value;
    }
    button.disabled = true;
    showWrong(null);
    setText(button.querySelector("span"), t("starting"));
    session.outbox.start(identity);
    navigator.storage?.persist?.().catch(() => {});
    if (await waitForServer()) onStarted();
  });
  session.addEventListener("unstarted", ({ detail }) => {
    // Maybe long after the tap, after a time without network: answers given meanwhile are kept.
    if (!form.isConnected) document.getElementById("app").replaceChildren(page);
    showWrong(problemText(detail.problem));
    button.disabled = false;
    setText(button.querySelector("span"), t("start"));
  });

  /** Waits up to 2 s for the server, which may refuse the name. → true when the work may begin, as without network. */
  function waitForServer() {
    return new Promise((resolve) => {
      const timer = setTimeout(done, START_TIMEOUT_MS, true);
      const look = () => {
        if (session.run.status !== "pending" || session.outbox.isStuck) done(true);
      };
      const fail = () => done(false);
      session.addEventListener("run", look);
      session.addEventListener("unstarted", fail);
      session.addEventListener("closed", fail);
      function done(isBegun) {
        clearTimeout(timer);
        session.removeEventListener("run", look);
        session.removeEventListener("unstarted", fail);
        session.removeEventListener("closed", fail);
        resolve(isBegun);
      }
    });
  }

  function showWrong(words) {
    setText(wrong, words ?? "");
    if (field) setAttr(field, "aria-invalid", words ? "true" : null);
  }
}

/** → the key of the message about an invalid name, address or number; null for a valid one. */
function findComplaint(field, value) {
  if (value === "") return `identity_${field.name}_needed`;
  if (length(value) > MAX_LENGTH[field.name]) return "identity_long";
  if (field.name === "email" && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value)) return "identity_email_wrong";
  if (field.name === "phone" && !PHONE.test(value)) return "identity_phone_wrong";
  return null;
}
