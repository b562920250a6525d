// Drafts: what was typed or ticked and is no answer yet. Ticks are stored on this phone at once, text every second, so
// that a phone that dies loses at most two seconds of it. Never sent. Several tabs may type in one step: each stores
// its own draft under the name of its page, and takes over only the drafts of closed pages.

const KEEP_EVERY_MS = 1000;

export class Drafts {
  cleared = new Set();   // ids of steps whose proposal was cleared, and that are unanswered since
  #texts = new Map();    // step id → {text, replaces}: the newest draft, maybe not yet stored; of ticks, `text` is an
                         // array
  #timers = new Map();   // step id → the timer of its next save
  #found = new Map();    // step id → {text, replaces}: a draft of a closed page
  #dropped = new Map();  // step id → its draft if not stored, else null; until this task ends

  /** `db`: db.js. `page`: an id of this page, new at each load. */
  constructor(run, db, page) {
    Object.assign(this, { run, db, page });
    // Locked as long as this page is open: while the lock is free, other pages may take over its drafts.
    navigator.locks?.request(this.#lock(page), () => new Promise(() => {})).catch(() => {});
  }

  /** Takes over the drafts of closed pages, the newest of each step. */
  async restore() {
    const kept = await this.db.listDrafts(this.run).catch(() => []);
    if (!kept.length) return;
    const taken = (await navigator.locks?.query().catch(() => null))?.held.map((lock) => lock.name) ?? [];
    const left = kept.filter(({ page }) => !taken.includes(this.#lock(page)));
    for (const draft of left.sort((one, other) => one.at - other.at)) this.#found.set(draft.step, draft);
    // Stored under this page's name before they are deleted under the old one.
    for (const { step, text, replaces } of this.#found.values()) {
      if (text === null) this.cleared.add(step);
      await this.#save(step, { text, replaces });
    }
    for (const { step, page } of left) await this.db.removeDraft(this.run, step, page).catch(() => {});
  }

  /** → the draft {text, replaces} that a closed page left in a step, or null; the draft is returned once. */
  take(step) {
    const draft = this.#found.get(step) ?? null;
    this.#found.delete(step);
    if (draft) this.#texts.set(step, draft);
    return draft;
  }

  /** Keeps a draft, and stores it within a second. `replaces`: the id of the step's answer when typing began, null for
   *  none. */
  keep(step, text, replaces) {
    this.#texts.set(step, { text, replaces });
    if (this.#timers.has(step)) return;
    this.#timers.set(step, setTimeout(() => {
      this.#timers.delete(step);
      this.#save(step, this.#texts.get(step));
    }, KEEP_EVERY_MS));
  }

  /** Keeps a draft, and stores it at once. */
  store(step, text, replaces) {
    const draft = { text, replaces };
    this.#texts.set(step, draft);
    this.#save(step, draft);
  }

  /** Stores that the person cleared a step's proposal: until it is answered, the step is empty. */
  clear(step) {
    this.cleared.add(step);
    this.store(step, null);
  }

  /** Drops a step's draft, which was answered or taken back. */
  drop(step) {
    const draft = this.#texts.get(step);
    if (!draft) return;
    this.#dropped.set(step, this.#timers.has(step) ? draft : null);
    clearTimeout(this.#timers.get(step));
    this.#timers.delete(step);
    this.#texts.delete(step);
    queueMicrotask(() => this.#dropped.delete(step) && this.#remove(step));
  }

  /** → a function that deletes the draft dropped in this task, to be called once its answer is stored; null without a
   *  draft. Until then the phone has the whole text: when a page closes, WebKit performs only some of its last writes,
   *  and not the first. A draft found beside its answer is dropped. */
  takeDeletion(step) {
    if (!this.#dropped.has(step)) return null;
    this.#save(step, this.#dropped.get(step));
    this.#dropped.delete(step);
    return () => this.#remove(step);
  }

  /** Drops the drafts of remarks, whose dialogs closed with their page. → [[key, text, replaces]] of those with
   *  text. */
  takeRemarks() {
    const found = [...this.#found].filter(([key]) => key.startsWith("remark "));
    for (const [key] of found) {
      this.take(key);
      this.drop(key);
    }
    return found.map(([key, { text, replaces }]) => [key, text.trim(), replaces]).filter(([, text]) => text);
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
