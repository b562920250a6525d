// What is being typed and not answered yet, kept on this phone every second: a phone that dies in the middle of a text
// takes two seconds of it at most. Never sent. Several tabs may type in one step: each keeps its own, under the name of
// its page, and takes over only what no living page still holds.
// The server sends this within session.js (rundun/web/static.py), so it imports nothing.

const KEEP_EVERY_MS = 1000;

export class Drafts {
  cleared = new Set();   // ids of steps in which what the job proposes was cleared, and not answered since
  #texts = new Map();    // step id → {text, replaces}: the newest, here and maybe not yet on the phone
  #timers = new Map();   // step id → the timer of its next save
  #found = new Map();    // step id → {text, replaces}: left by a page that is gone
  #dropped = new Set();  // ids of steps whose draft is still on the phone, until this task is over

  /** `db`: offline_db.js. `page`: an id of this page, new at each load. */
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
    for (const draft of left.sort((one, other) => one.at - other.at)) {
      this.#found.set(draft.step, draft);
      await this.#save(draft.step, { text: draft.text, replaces: draft.replaces }, draft.page); // its own from now on
    }
    for (const { step, text } of this.#found.values()) if (text === null) this.cleared.add(step);
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
    clearTimeout(this.#timers.get(step));
    this.#timers.delete(step);
    if (!this.#texts.delete(step)) return;
    this.#dropped.add(step);
    queueMicrotask(() => {
      const draft = this.dropped(step);
      if (draft) this.db.removeDraft(draft).catch(() => {});
    });
  }

  /** → {run, step, page} of a draft that was dropped just now, null for none: the answer that takes its place deletes
   *  it with its own write. Of two writes a page that goes may do the second only (WebKit). */
  dropped(step) {
    return this.#dropped.delete(step) ? { run: this.run, step, page: this.page } : null;
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

  /** `from`: the page that has kept it so far. */
  #save(step, draft, from = null) {
    const { run, page } = this;
    const old = from && { run, step, page: from };
    return draft && this.db.putDraft({ run, step, page, at: Date.now(), ...draft }, old).catch(() => {});
  }

  #lock(page) {
    return `rundun page ${page}`;
  }
}
