// The draft on the server: the text is stored while it is written, at most once a second, and checked.

const WRITE_INTERVAL_MS = 1000;   // at least between two writes of the draft
const RETRY_MS = 5000;            // until a write that got no answer is tried again
const PATIENCE_MS = 15_000;       // for an answer
const PLACE = ["draft", "revision", "template_id", "made_from", "once"];   // fields: where the text is stored

/** Events: "checked" and "newer", each with the answer of the server in `detail`; "stored", with the text as `value`
 *  and its `outdated` translations; "faulty", when a text with faults was to be published. */
export class Draft extends EventTarget {
  #form;
  #read;
  #readOutdated;
  #state = document.getElementById("state");
  #discard = document.getElementById("discard");
  #timer = 0;             // of the next write, 0 without one
  #due = 0;               // when the next write begins
  #lastWrite = 0;         // when the last one began
  #writing = null;        // the write that is under way
  #isHeard = true;        // whether the last write got an answer
  #isSignedOut = false;
  #isLeaving = false;
  #newer = null;          // the place and text of a newer draft or version, until it is joined, or one is chosen
  #isPlaceNew = false;    // whether the text is to be written for its place's sake
  #isRefused = false;     // whether the last write was refused by an error
  #checked = null;        // the server's answer to the last text that it checked
  #unheard = new Set();   // texts of writes that got no answer: the server may have them
  #confirmed = 0;         // number of translations that the person has confirmed
  #storedConfirmed = 0;   // and of those that are stored

  /** `read` returns the text of now, `readOutdated` its outdated translations (`Confirmations.toSend`). */
  constructor(form, read, readOutdated) {
    super();
    this.#form = form;
    this.#read = read;
    this.#readOutdated = readOutdated;
    this.stored = form.dataset.saved === "no" ? null : form.elements.text.defaultValue;
    form.addEventListener("submit", (event) => this.#submit(event));
    this.#discard.addEventListener("submit", () => (this.#isLeaving = true));
    addEventListener("pageshow", () => (this.#isLeaving = false));
    addEventListener("online", () => this.schedule(0));
    addEventListener("beforeunload", (event) => {
      if (!this.#isLeaving && !this.#isStored) event.preventDefault();
    });
  }

  /** Notes that the text has changed: it is written soon. */
  change() {
    this.#showState(this.#form.dataset.notSaved);
    this.schedule(WRITE_INTERVAL_MS);
  }

  /** Notes that a translation was confirmed: that is written soon. */
  confirm() {
    this.#confirmed += 1;
    this.change();
  }

  /** Writes the draft in `delay` milliseconds at the earliest, unless an earlier write is planned. */
  schedule(delay) {
    const when = Math.max(Date.now() + delay, this.#lastWrite + WRITE_INTERVAL_MS);
    if (this.#timer && this.#due <= when) return;
    clearTimeout(this.#timer);
    this.#due = when;
    this.#timer = setTimeout(() => this.#writeDue(), when - Date.now());
  }

  get #isDue() {
    return this.#isPlaceNew || !this.#isStored;
  }

  get #isStored() {
    return this.#read() === this.stored && this.#confirmed === this.#storedConfirmed;
  }

  #writeDue() {
    this.#timer = 0;
    if (this.#newer) return;
    if (this.#writing) this.#writing.then(() => this.schedule(0));
    else if (this.#isDue) this.#write();
    else if (this.place.draft) this.#showState(this.#form.dataset.isSaved);   // a change was undone again
  }

  /** Has the server check the text only. */
  async check() {
    const value = this.#read();
    const answer = await this.#post(value, {}, { check: "true" });
    if (answer?.isRedirected) return this.#showSignedOut();
    if (answer?.isOk) this.#showChecked({ value, ...answer.json });
  }

  /** Goes on from the newer draft or version that writing waits for: the next write is over it. */
  takeNewer() {
    if (!this.#newer) return;
    this.#takePlace(this.#newer.place);
    this.stored = this.#newer.text;
    this.#newer = null;
    this.#isPlaceNew = true;
    this.schedule(0);
  }

  /** Whether writing waits for `takeNewer`. */
  get isHeld() {
    return this.#newer !== null;
  }

  /** Resolves once no write is under way. */
  async untilWritten() {
    while (this.#writing) await this.#writing;
  }

  /** Pauses writing until `takeNewer`: there is a newer draft with this place and text. */
  holdFor(place, text) {
    this.#newer = { place, text };
    this.#showState(this.#form.dataset.notSaved);
  }

  /** → the address of the newer draft. */
  get newerAddress() {
    return `${this.#form.dataset.drafts}/${this.#newer.place.draft}`;
  }

  /** → the fields that say where the text is stored. */
  get place() {
    return Object.fromEntries(PLACE.map((name) => [name, this.#form.elements[name].value]));
  }

  /** Publishes the text once it is stored and without faults; otherwise stays, so that no text is lost. What the server
   *  refuses, as after a new sign-in, is sent as the form, to which it answers with a page. */
  async #submit(event) {
    const isChecked = this.#checked?.value === this.#read() && !this.#checked.faults.length;
    this.#isLeaving ||= isChecked && !this.#writing && !this.#newer && !this.#isDue;
    if (this.#isLeaving) return;   // a form can't be sent anew while it is being sent
    event.preventDefault();
    this.#isSignedOut = false;
    await this.#writing;
    if (this.#isDue && !this.#newer) await this.#write();
    if (!this.#isHeard || this.#isSignedOut || this.#newer) return;
    if (!this.#isRefused && this.#checked?.value !== this.#read()) await this.check();
    if (this.#checked?.faults.length) return this.#tell("faulty", this.#checked);
    this.#isLeaving = this.#isRefused || this.#isStored;
    if (this.#isLeaving) this.#form.requestSubmit(event.submitter);
  }

  /** Has the server store and check the text; resolves once it has answered, or did not in time. */
  #write() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#lastWrite = Date.now();
    this.#writing = this.#send(this.#read()).finally(() => (this.#writing = null));
    return this.#writing;
  }

  async #send(value) {
    const [confirmed, outdated] = [this.#confirmed, this.#readOutdated()];
    const answer = await this.#post(value, { outdated });
    if (outdated && answer?.json?.place && !answer.json.newer) this.#storedConfirmed = confirmed;
    this.#isHeard = Boolean(answer);
    this.#isRefused = Boolean(answer) && !answer.isOk && ![404, 429, 503].includes(answer.status);
    if (answer?.isRedirected) return this.#showSignedOut();
    if (answer?.isOk) return this.#take(value, answer.json);
    if (answer?.status === 404) return this.#showGone();
    if (!answer) this.#unheard.add(value);
    this.#showRefused(answer ? answer.json.detail : "");
    this.#showState(answer ? this.#form.dataset.notSaved : this.#form.dataset.lost);
    if (!answer || answer.status >= 429) this.schedule(RETRY_MS);
  }

  /** Sends a text and what comes with it. → the answer, {isOk, isRedirected, status, json}; null if none came that
   *  can be read. */
  async #post(text, sent, more = {}) {
    const headers = {
      "Content-Type": "application/json",
      "X-CSRF-Token": this.#form.elements.csrf.value,
      Accept: "application/json",
    };
    try {
      const body = JSON.stringify({ text, ...sent });
      const query = new URLSearchParams({ ...this.place, ...more });
      const response = await fetch(`${this.#form.dataset.drafts}/text?${query}`, {
        method: "POST", body, headers, signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const { ok: isOk, redirected: isRedirected, status } = response;
      return { isOk, isRedirected, status, json: isRedirected ? null : await response.json() };
    } catch {   // no connection, no answer in time, or one of a proxy
      return null;
    }
  }

  #showChecked(answer) {
    this.#checked = answer;
    this.#tell("checked", answer);
  }

  #take(value, answer) {
    this.#showChecked({ value, ...answer });
    this.#showRefused(answer.refused);
    const { newer, place } = answer;
    if (newer && this.#unheard.has(newer.text)) {   // our own, whose answer was lost
      this.#tell("stored", { value: newer.text, outdated: newer.outdated });
      this.#newer = { place, text: newer.text };
      return this.takeNewer();
    }
    if (newer) {
      this.holdFor(place, newer.text);
      return this.#tell("newer", newer);
    }
    if (!place) return;
    this.#takePlace(place);
    this.stored = value;
    this.#tell("stored", { value, outdated: answer.outdated });
    this.#isPlaceNew = false;
    this.#unheard.clear();
    document.getElementById("gone").hidden = true;
    if (this.#isStored) this.#showState(this.#form.dataset.isSaved);
    else if (this.#readOutdated()) this.schedule(0);   // confirmed while the JSON could not be read
  }

  /** Takes the form's fields, where the text is stored from now on. */
  #takePlace(place) {
    for (const name of PLACE) this.#form.elements[name].value = place[name] ?? "";
    this.#discard.hidden = !place.draft;
    if (!place.draft) return;
    const { drafts } = this.#form.dataset;
    this.#discard.querySelector("form").action = `${drafts}/${place.draft}/discard`;
    this.#discard.querySelector("[name=revision]").value = place.revision;
    if (!place.template_id) history.replaceState(null, "", `${drafts}/${place.draft}`);
  }

  /** Shows that the draft was published or discarded; what is written from now on begins a new one. */
  #showGone() {
    this.stored = null;
    document.getElementById("gone").hidden = false;
    this.#takePlace({ ...this.place, draft: "", revision: "", once: String(Math.random()) });
    this.#showState(this.#form.dataset.notSaved);
  }

  /** Shows why the text was not stored, "" for nothing. */
  #showRefused(words) {
    const refused = document.getElementById("refused");
    refused.textContent = words;
    refused.hidden = !words;
  }

  /** Shows that the session has ended and that nothing was stored. */
  #showSignedOut() {
    this.#isSignedOut = true;
    this.#tell("checked", { value: this.#read(), summary: this.#form.dataset.signedOut, faults: null });
  }

  #showState(words) {
    this.#state.textContent = words;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
