// The photos and signatures of a run: those on the server, and those this phone still shrinks, keeps or sends.
//
// A photo: {id, step, slot, state, preview, large, url, thumbnail, progress, problem, item, annotatedFrom: the id of
// the photo that it was drawn on, which stays beside it unseen, and goes when it goes}. Its state is
//   preparing → waiting → safe (the server's receipt is here) | refused (the person must choose)
//   elsewhere: an answer names it, but neither the server nor this phone has it
//
// Events: "change" {step} · "answer" {step}: the photos of the step's answer have changed · "camera-closed"

import { inSlotOrder, nowUtc, photoRule, stepIdOf, uuid } from "../rules.js";
import { lazyGeo } from "../steps/lazy_geo.js";
import { bytesOf, prepared, prepareModule, shownAs, typeOf, urlOf } from "./chosen.js";

const COUNTED_STATES = new Set(["preparing", "waiting", "safe"]);
const LOCAL_STATES = new Set(["preparing", "refused"]);   // whatever the server says

export class PhotoStore extends EventTarget {
  #photos = new Map();       // step id → [photo], in the order the person sees
  #deletedIds = new Set();   // deleted here: a poll under way must not bring them back
  #seen = new Map();         // id of a photo that was once shown here → its step's
  #missing = new Set();      // gone on without, as they had not arrived
  signatures = new Map();    // step id or "" → {url, problem}: a signature made on this phone

  /** `steps`: Map(step id → step). `maxBytes`: the largest photo that the server takes. */
  constructor(steps, outbox, maxBytes) {
    super();
    Object.assign(this, { steps, outbox, maxBytes });
  }

  /** The photos that the person sees: all but what others were drawn on, unless the server refused that. */
  ofStep(stepId) {
    return this.#all(stepId).filter((photo) => photo.state === "refused" || !this.#isDrawnOn(photo));
  }

  #isDrawnOn(photo) {
    return this.#all(photo.step).some((other) => other.annotatedFrom === photo.id);
  }

  #all(stepId) {
    return this.#photos.get(stepId) ?? [];
  }

  /** Photos that count for the answer. */
  usable(stepId) {
    return inSlotOrder(this.steps.get(stepId), this.ofStep(stepId).filter(({ state }) => COUNTED_STATES.has(state)));
  }

  isEnough(stepId) {
    return this.usable(stepId).length >= photoRule(this.steps.get(stepId)).min;
  }

  /** {id: slot} of the photos that count. */
  arrived(stepId) {
    return Object.fromEntries(this.usable(stepId).map(({ id, slot }) => [id, slot]));
  }

  refused(stepId) {
    return this.ofStep(stepId).filter((photo) => photo.state === "refused");
  }

  /** Ids an answer of this step stands on, those that never arrived included. */
  listed(stepId) {
    return this.ofStep(stepId).filter((photo) => photo.state !== "refused").map((photo) => photo.id);
  }

  /** What an answer given now says of the photos of its step: {photos, seen_photos, missing_photos} (answers.js). Those
   *  that never arrived make room for those that are here; of what came to the server meanwhile nobody here knows. */
  said(stepId) {
    const usable = this.usable(stepId).map((photo) => photo.id);
    const away = this.listed(stepId).filter((id) => !usable.includes(id));
    const room = Math.max(0, photoRule(this.steps.get(stepId)).max - usable.length);
    const photos = [...usable, ...away.slice(0, room)];
    this.#see(this.#all(stepId));
    const others = [...this.#seen].filter(([id, step]) => step === stepId && !photos.includes(id)).map(([id]) => id);
    const isMissing = (id) => this.#missing.has(id) || away.includes(id);
    return { photos, seen_photos: others.filter((id) => !isMissing(id)), missing_photos: others.filter(isMissing) };
  }

  #see(photos) {
    for (const { id, step } of photos) this.#seen.set(id, step);
  }

  /** True when every one of these photos is shown here, or was. */
  knows(stepId, ids) {
    this.#see(this.#all(stepId));
    return ids.every((id) => this.#seen.has(id));
  }

  /** {total, safe, preparing} over the whole run. */
  counts() {
    const states = [...this.#photos.keys()].flatMap((stepId) => this.ofStep(stepId)).map((photo) => photo.state);
    const inState = (state) => states.filter((one) => one === state).length;
    return { total: states.length - inState("elsewhere"), safe: inState("safe"), preparing: inState("preparing") };
  }

  /** `source`: "camera" or "gallery". Takes as many as the step, or its slot, still has room for. → how many were left
   *  out. */
  async add(stepId, files, source, slot = null) {
    const step = this.steps.get(stepId);
    const room = slot ? 1 : photoRule(step).max - this.usable(stepId).length;
    const taken = files.slice(0, Math.max(0, room));
    const added = taken.map((file) => [this.#append(stepId, source, slot), file]);
    this.#emit("change", stepId);
    const [images] = await Promise.all([prepareModule(), step.geo ? lazyGeo.load() : null]);
    // Asks now, while the tap is fresh; the photo itself waits for nothing.
    if (step.geo && source === "camera") lazyGeo.sample();
    for (const [photo, file] of added) await images.oneAtATime(() => this.#prepare(images, step, photo, file));
    this.#emit("answer", stepId);
    return files.length - taken.length;
  }

  remove(photo) {
    this.#delete(photo);
    if (photo.item) this.outbox.drop(photo.item);
    // Also where it never left: an answer that names it may have, and another phone would wait for it.
    if (photo.item || photo.state === "safe" || photo.state === "elsewhere") {
      const path = `/steps/${stepIdOf(photo.step)}/photos/${photo.id}`;
      this.outbox.add({ lane: "photos", key: photo.step, kind: "delete", method: "DELETE", path });
    }
    const undrawn = this.#all(photo.step).find((other) => other.id === photo.annotatedFrom);
    if (undrawn && !this.#isDrawnOn(undrawn)) return this.remove(undrawn);
    this.#emit("answer", photo.step);
    this.#emit("change", photo.step);
  }

  /** Sends a refused photo again, under a new id: the server may hold other bytes under the old one. */
  retry(photo) {
    const { item } = photo;
    this.outbox.drop(item);
    if (!this.#isDrawnOn(photo)) photo.id = newId();
    this.#send(photo, { bytes: item.body, type: item.type, preview: item.preview }, item.query);
    this.#emit("answer", photo.step);
  }

  /** Takes `file`, fresh from the camera, in the place of `photo`, which stays until the new one is kept. */
  async retake(photo, file) {
    const images = await prepareModule();
    const original = await bytesOf(file);
    const picture = original && (await images.oneAtATime(() => prepared(images, file, original)));
    const word = picture ? picture.word : "photo_unread";
    if (word) this.#refuse(this.#append(photo.step, "camera", photo.slot), word);
    else this.replace(photo, picture, { source: "camera", ...takenNow(), ...slotOf(photo), ...lazyGeo.recent() });
    this.#emit("camera-closed");
  }

  /** Shows `photo` with a drawing, {bytes, type, preview}; what was drawn on first stays beside it. */
  draw(photo, drawing) {
    const annotatedFrom = photo.annotatedFrom ?? photo.id;
    // Where the photo is gone out, the server knows its time and place.
    const query = { ...photo.item?.query, ...slotOf(photo), annotated_from: annotatedFrom };
    this.replace(photo, drawing, query, annotatedFrom);
  }

  /** Puts a picture, {bytes, type, preview}, in the place of `photo`, which goes unless it is drawn on. */
  replace(photo, picture, query, annotatedFrom = null) {
    const list = this.#all(photo.step);
    const goes = photo.id !== annotatedFrom;
    const isFull = this.usable(photo.step).length >= photoRule(this.steps.get(photo.step)).max;
    const empty = { url: null, thumbnail: null, problem: null, item: null };
    const about = { id: newId(), state: "waiting", source: query.source, annotatedFrom };
    const fresh = { ...photo, ...empty, ...about, ...shownAs(picture) };
    list.splice(list.indexOf(photo), 0, fresh);
    if (goes && isFull) this.remove(photo); // a full step takes nothing more, so the old one has to go first
    this.#send(fresh, picture, query);
    if (goes && !isFull) this.remove(photo);
    else this.#emit("answer", photo.step);
  }

  /** Queues a signature: `png` an ArrayBuffer, `key` a step's id, or "" for the one that closes the run. */
  sign(key, png, typedName) {
    const query = typedName ? `?typed_name=${encodeURIComponent(typedName)}` : "";
    const path = key ? `/steps/${key}/signature${query}` : `/signature${query}`;
    this.signatures.set(key, { url: urlOf(png, "image/png"), problem: null });
    this.outbox.add({ lane: "answers", key, kind: "signature", method: "PUT", path, type: "image/png", body: png });
  }

  /** Takes photos that nobody has off the step's answer. */
  dropMissing(stepId) {
    this.#see(this.#all(stepId));
    for (const { id, state } of this.#all(stepId)) if (state === "elsewhere") this.#missing.add(id);
    this.#photos.set(stepId, this.#all(stepId).filter((photo) => photo.state !== "elsewhere"));
    this.#emit("answer", stepId);
    this.#emit("change", stepId);
  }

  /** Shows what an item of an earlier visit or of another tab holds. */
  restore(item) {
    if (item.kind === "signature") {
      this.signatures.set(item.key, { url: urlOf(item.body, item.type), problem: item.problem });
    } else if (item.kind === "delete") {
      const id = item.path.split("/").at(-1);
      this.#deletedIds.add(id);
      this.#see([{ id, step: item.key }]);
      this.#photos.set(item.key, this.#all(item.key).filter((photo) => photo.id !== id));
    } else if (item.kind === "photo") {
      this.#restorePhoto(item);
    }
  }

  #restorePhoto(item) {
    const known = this.#find(item);
    const picture = { bytes: item.body, type: item.type, preview: item.preview ?? item.body };
    const { preview, large } = known?.preview ? known : shownAs(picture);
    const photo = {
      id: item.photo, step: item.key, slot: item.query.slot ?? null, state: item.problem ? "refused" : "waiting",
      preview, large, url: null, thumbnail: null, progress: 0, problem: item.problem, item, source: item.query.source,
      annotatedFrom: item.query.annotated_from ?? null,
    };
    if (known) Object.assign(known, photo);
    else this.#photos.set(item.key, [...this.#all(item.key), photo]);
  }

  /** Lets go of an item that another tab has sent or taken back: the server tells which. */
  release(item) {
    const photo = this.#find(item);
    if (photo) Object.assign(photo, { state: "elsewhere", item: null });
  }

  /** {step id: [receipt]} of the photos that are safe, as the server's state has them. */
  receipts() {
    const isSafe = (photo) => photo.state === "safe";
    const receipt = ({ id, slot, url, thumbnail, annotatedFrom }) => (
      { photo_id: id, slot, url, thumbnail_url: thumbnail, annotated_from: annotatedFrom });
    const entries = [...this.#photos].map(([stepId, photos]) => [stepId, photos.filter(isSafe).map(receipt)]);
    return Object.fromEntries(entries);
  }

  // The server's side

  markSent(item, receipt) {
    const photo = this.#find(item);
    if (!photo) return;
    Object.assign(photo, { item: null, ...safe(receipt) });
  }

  markRefused(item, problem) {
    if (item.kind === "signature" && this.signatures.has(item.key)) this.signatures.get(item.key).problem = problem;
    const photo = this.#find(item);
    if (item.kind === "delete") this.outbox.drop(item); // not ours to delete
    if (photo) Object.assign(photo, { state: "refused", problem });
    if (photo) this.#emit("answer", photo.step);
  }

  /** Takes over the server's state, except for what this phone still keeps and shows. */
  update(stored, answers) {
    for (const stepId of this.steps.keys()) {
      const receipts = new Map((stored[stepId] ?? []).map((receipt) => [receipt.photo_id, receipt]));
      const named = answers[stepId]?.photos ?? [];
      const isOurs = (photo) => photo.item || LOCAL_STATES.has(photo.state);
      const list = this.#all(stepId).filter((photo) => isOurs(photo) || receipts.has(photo.id));
      for (const photo of list) if (photo.state === "elsewhere") Object.assign(photo, safe(receipts.get(photo.id)));
      for (const id of receipts.keys()) this.#missing.delete(id);
      const known = new Set(list.map((photo) => photo.id));
      for (const id of new Set([...named, ...receipts.keys()])) {
        if (known.has(id) || this.#deletedIds.has(id)) continue;
        const receipt = receipts.get(id);
        const state = receipt ? safe(receipt) : { slot: null, state: "elsewhere", progress: 0 };
        list.push({ id, step: stepId, preview: null, ...state });
      }
      this.#photos.set(stepId, list);
    }
  }

  // Inside

  #append(stepId, source, slot) {
    const empty = { slot, preview: null, large: null, url: null, progress: 0, problem: null, annotatedFrom: null };
    const photo = { id: newId(), step: stepId, state: "preparing", source, ...empty };
    this.#photos.set(stepId, [...this.#all(stepId), photo]);
    return photo;
  }

  /** Keeps the picture as it came before it is decoded, which costs a small phone its tab; then the small one. */
  async #prepare(images, step, photo, file) {
    const isFresh = photo.source === "camera"; // else its own file says when and where it was taken, or nothing does
    const position = () => (step.geo && isFresh ? lazyGeo.recent() : null);
    if (!this.ofStep(step.id).includes(photo)) return; // deleted before its turn came
    const query = { source: photo.source, ...(isFresh ? takenNow() : null), ...slotOf(photo), ...position() };
    const original = await bytesOf(file);
    const isStillThere = this.ofStep(step.id).includes(photo); // reading takes a while where the file comes from afar
    if (isStillThere && original) photo.item = this.#queue(photo, original, typeOf(file), query, true);
    this.#emit("camera-closed");
    if (!isStillThere) return;
    if (!original) return this.#refuse(photo, "photo_unread");
    const { word, time, place, ...picture } = await prepared(images, file, original);
    if (!this.ofStep(step.id).includes(photo)) return;
    if (word) return this.#refuse(photo, word);
    const { bytes: body, type, preview } = picture;
    Object.assign(photo, { ...shownAs(picture), state: "waiting", problem: null, progress: 0 });
    const fresh = { ...query, ...(isFresh ? position() : { ...time, ...(step.geo ? place : null) }) };
    this.outbox.update(photo.item, { body, preview, type, query: fresh, path: pathOf(photo, fresh), hold: false });
    if (body.byteLength > this.maxBytes || body.byteLength === 0) {
      // Known to fail: said here rather than after a minute of uploading.
      return this.#refuse(photo, body.byteLength ? "photo_too_large" : "photo_empty");
    }
    this.#emit("change", photo.step);
  }

  /** Says in the catalog's `word` why a photo cannot be sent. */
  #refuse(photo, word) {
    if (photo.item) this.outbox.drop(photo.item);
    Object.assign(photo, { state: "refused", problem: { word }, item: null });
    this.#emit("change", photo.step);
  }

  #send(photo, { bytes, type, preview }, query) {
    photo.item = this.#queue(photo, bytes, type, query, false, preview);
    Object.assign(photo, { state: "waiting", problem: null, progress: 0 });
    this.#emit("change", photo.step);
  }

  #queue(photo, body, type, query, hold, preview) {
    const about = { lane: "photos", key: photo.step, kind: "photo", photo: photo.id, preview };
    return this.outbox.add({ ...about, method: "PUT", path: pathOf(photo, query), query, type, body, hold });
  }

  #find(item) {
    return this.#all(item.key).find((photo) => photo.id === item.photo) ?? null;
  }

  #delete(photo) {
    this.#deletedIds.add(photo.id);
    this.#see([photo]);
    // Else the page holds the picture for as long as it is open.
    for (const url of [photo.preview, photo.large]) URL.revokeObjectURL(url);
    this.#photos.set(photo.step, this.#all(photo.step).filter((other) => other !== photo));
  }

  #emit(name, step = null) {
    this.dispatchEvent(new CustomEvent(name, { detail: { step } }));
  }
}

function pathOf({ step: key, id }, query) {
  const stepId = stepIdOf(key);
  const parameters = new URLSearchParams(stepId === key ? query : { ...query, remark: 1 });
  return `/steps/${stepId}/photos/${id}?${parameters}`;
}

const newId = () => `ph-${uuid()}`;

/** What a receipt says of its photo. */
function safe({ slot = null, url = null, thumbnail_url: thumbnail, annotated_from: annotatedFrom = null }) {
  return { state: "safe", progress: 1, slot, url, thumbnail: thumbnail ?? url, annotatedFrom };
}

/** The slot of a photo as its upload names it. */
const slotOf = ({ slot }) => (slot ? { slot } : {});

const takenNow = () => ({ taken_at: nowUtc(), taken_at_from: "camera" });
