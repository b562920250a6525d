// What is being typed and not answered yet, kept on this phone every second: a phone that dies in the middle of a text
// takes two seconds of it at most. Never sent. Several tabs may type in one step: each keeps its own, under the name of
// its page, and takes over only what no living page still holds.
// The server sends this within session.js (rundun/web/pages/static.py), so it imports nothing.

const KEEP_EVERY_MS = 1000;

export class Drafts {
  cleared = new Set();   // ids of steps in which what the job proposes was cleared, and not answered since
  #texts = new Map();    // step id → {text, replaces}: the newest, here and maybe not yet on the phone
  #timers = new Map();   // step id → the timer of its next save
  #found = new Map();    // step id → {text, replaces}: left by a page that is gone
  #dropped = new Map();  // step id → what the phone has not got of its draft, until this task is over

  /** `db`: db.js. `page`: an id of this page, new at each load. */
  constructor(run, db, page) {
    Object.assign(this, { run, db, page });
    // Held as long as this page lives; whoever finds it free knows that its drafts are nobody's.
    navigator.locks?.request(this.#lock(page), () => new Promise(() => {})).catch(() => {});
  }

  /** Finds what pages that are gone have left; the newest of each step. */
  async restore() {
    const kept = await this.db.drafts(this.run).catch(() => []);
    if (!kept.length) return;
    const held = (await navigator.locks?.query().catch(() => null))?.held.map((lock) => lock.name) ?? [];
    const left = kept.filter(({ page }) => !held.includes(this.#lock(page)));
    for (const draft of left.sort((one, other) => one.at - other.at)) this.#found.set(draft.step, draft);
    // From now on they are this page's own.
    for (const { step, text, replaces } of this.#found.values()) {
      if (text === null) this.cleared.add(step);
      await this.#save(step, { text, replaces });
    }
    for (const { step, page } of left) await this.db.removeDraft(this.run, step, page).catch(() => {});
  }

  /** → {text, replaces} that was typed in a step and never answered, once; else null. */
  take(step) {
    const draft = this.#found.get(step) ?? null;
    this.#found.delete(step);
    if (draft) this.#texts.set(step, draft);
    return draft;
  }

  /** `replaces`: the id of the answer that stood there when typing began, null for none. */
  keep(step, text, replaces) {
    this.#texts.set(step, { text, replaces });
    if (this.#timers.has(step)) return;
    this.#timers.set(step, setTimeout(() => {
      this.#timers.delete(step);
      this.#save(step, this.#texts.get(step));
    }, KEEP_EVERY_MS));
  }

  /** Keeps that what was proposed for a step is not wanted: until it is answered there is nothing in it. */
  clear(step) {
    const nothing = { text: null };
    this.cleared.add(step);
    this.#texts.set(step, nothing);
    this.#save(step, nothing);
  }

  /** What was typed is answered, or taken back. */
  drop(step) {
    const draft = this.#texts.get(step);
    if (!draft) return;
    this.#dropped.set(step, this.#timers.has(step) ? draft : null);
    clearTimeout(this.#timers.get(step));
    this.#timers.delete(step);
    this.#texts.delete(step);
    queueMicrotask(() => this.#dropped.delete(step) && this.#remove(step));
  }

  /** → deletes the draft that was dropped just now, for the answer in its place to call once it is kept; else null.
   *  Until then the phone has all of the text: of the last writes of a page that goes WebKit does some, and not the
   *  first of them. What is there with its answer is dropped when it is found. */
  dropped(step) {
    if (!this.#dropped.has(step)) return null;
    this.#save(step, this.#dropped.get(step));
    this.#dropped.delete(step);
    return () => this.#remove(step);
  }

  /** Lets go of the remarks whose dialogs are gone with their page. → [[key, text]] */
  remarks() {
    const found = [...this.#found].filter(([key]) => key.startsWith("remark "));
    for (const [key] of found) {
      this.take(key);
      this.drop(key);
    }
    return found.map(([key, { text }]) => [key, text.trim()]).filter(([, text]) => text);
  }

  #save(step, draft) {
    const { run, page } = this;
    return draft && this.db.putDraft({ run, step, page, at: Date.now(), ...draft }).catch(() => {});
  }

  #remove(step) {
    return this.#texts.has(step) || this.db.removeDraft(this.run, step, this.page).catch(() => {});
  }

  #lock(page) {
    return `rundun page ${page}`;
  }
}
