// The photos and signatures of a run: those on the server, and those that this phone still shrinks, stores or sends.
//
// A photo: {id, step, slot, state, preview, large, url, thumbnail, progress, problem, item, annotatedFrom: the id of
// its original, if this is a drawing on it; the original stays, hidden, and is deleted with the drawing}. Its state is
//   preparing → waiting → safe (with the server's receipt) | refused (the person must decide)
//   elsewhere: an answer lists it, but neither the server nor this phone has it
//
// Events: "change" {step} · "answer" {step}: the photos of the step's answer have changed · "camera-closed"

import { inSlotOrder, nowUtc, photoRule, stepIdOf, uuid } from "../rules.js";
import { lazyGeo } from "../steps/lazy_geo.js";
import { bytesOf, pictureUrls, prepareModule, tryPrepare, typeOf, urlOf } from "./chosen.js";

const COUNTED_STATES = new Set(["preparing", "waiting", "safe"]);
const LOCAL_STATES = new Set(["preparing", "refused"]);   // kept, whatever the server's state says

export class PhotoStore extends EventTarget {
  #photos = new Map();       // step id → [photo], in the order the person sees
  #deletedIds = new Set();   // deleted here: a poll under way must not restore them
  #seen = new Map();         // id of a photo that was once shown here → step id
  #missing = new Set();      // ids of photos that never arrived, and that the person has given up
  signatures = new Map();    // step id or "" → {url, problem}: a signature made on this phone

  /** `steps`: Map(step id → step). `maxBytes`: the size of the largest photo that the server accepts. */
  constructor(steps, outbox, maxBytes) {
    super();
    Object.assign(this, { steps, outbox, maxBytes });
  }

  /** → the shown photos of a step: all but the originals of drawings; refused originals are shown. */
  ofStep(stepId) {
    return this.#all(stepId).filter((photo) => photo.state === "refused" || !this.#isDrawnOn(photo));
  }

  #isDrawnOn(photo) {
    return this.#all(photo.step).some((other) => other.annotatedFrom === photo.id);
  }

  #all(stepId) {
    return this.#photos.get(stepId) ?? [];
  }

  /** → the photos that count for a step's answer, in the order of its slots. */
  usable(stepId) {
    return inSlotOrder(this.steps.get(stepId), this.ofStep(stepId).filter(({ state }) => COUNTED_STATES.has(state)));
  }

  isEnough(stepId) {
    return this.usable(stepId).length >= photoRule(this.steps.get(stepId)).min;
  }

  /** → {id: slot} of the photos that count for a step's answer. */
  slotsOfPhotos(stepId) {
    return Object.fromEntries(this.usable(stepId).map(({ id, slot }) => [id, slot]));
  }

  refused(stepId) {
    return this.ofStep(stepId).filter((photo) => photo.state === "refused");
  }

  /** → the ids of the photos of a step's answer, including photos that never arrived. */
  listed(stepId) {
    return this.ofStep(stepId).filter((photo) => photo.state !== "refused").map((photo) => photo.id);
  }

  /** → the lists of photo ids in an answer given now: {photos, seen_photos, missing_photos} (answers.js). Photos that
   *  never arrived give way to present ones; photos that reached the server since the last poll are in none of them. */
  photoLists(stepId) {
    const usable = this.usable(stepId).map((photo) => photo.id);
    const away = this.listed(stepId).filter((id) => !usable.includes(id));
    const left = Math.max(0, photoRule(this.steps.get(stepId)).max - usable.length);
    const photos = [...usable, ...away.slice(0, left)];
    this.#see(this.#all(stepId));
    const others = [...this.#seen].filter(([id, step]) => step === stepId && !photos.includes(id)).map(([id]) => id);
    const isMissing = (id) => this.#missing.has(id) || away.includes(id);
    return { photos, seen_photos: others.filter((id) => !isMissing(id)), missing_photos: others.filter(isMissing) };
  }

  #see(photos) {
    for (const { id, step } of photos) this.#seen.set(id, step);
  }

  isDeleted = (id) => this.#deletedIds.has(id);

  /** Forgets the photos that were shown here, but for the deleted ones: what a restored server lacks may come again. */
  forgetSeen() {
    for (const id of this.#seen.keys()) if (!this.#deletedIds.has(id)) this.#seen.delete(id);
  }

  /** True when all of these photos are or were shown here. */
  hasSeen(stepId, ids) {
    this.#see(this.#all(stepId));
    return ids.every((id) => this.#seen.has(id));
  }

  /** → the numbers of the run's photos: {total, safe, preparing}; `total` is without those that never arrived. */
  counts() {
    const states = [...this.#photos.keys()].flatMap((stepId) => this.ofStep(stepId)).map((photo) => photo.state);
    const inState = (state) => states.filter((one) => one === state).length;
    return { total: states.length - inState("elsewhere"), safe: inState("safe"), preparing: inState("preparing") };
  }

  /** Adds as many of `files` as the step, or its slot, can still have. `source`: "camera" or "gallery". → the number of
   *  files that were left out. */
  async add(stepId, files, source, slot = null) {
    const step = this.steps.get(stepId);
    const left = slot ? 1 : photoRule(step).max - this.usable(stepId).length;
    const taken = files.slice(0, Math.max(0, left));
    const added = taken.map((file) => [this.#append(stepId, source, slot), file]);
    this.#emit("change", stepId);
    // Browsers ask for the permission only right after a tap; the photo does not wait for the position.
    const locating = step.geo ? lazyGeo.load().then(() => source === "camera" && lazyGeo.sample()) : null;
    await Promise.all(added.map(([photo, file]) => this.#keep(photo, file)));
    const [images] = await Promise.all([prepareModule(), locating]);
    for (const [photo, file] of added) await images.oneAtATime(() => this.#prepare(images, step, photo, file));
    this.#emit("answer", stepId);
    return files.length - taken.length;
  }

  remove(photo) {
    this.#delete(photo);
    if (photo.item) this.outbox.drop(photo.item);
    // Also for an unsent photo: an answer that lists it may have been sent, and another phone would wait for it.
    if (photo.item || !LOCAL_STATES.has(photo.state)) {
      const path = `/steps/${stepIdOf(photo.step)}/photos/${photo.id}`;
      const isOfStored = !photo.item;
      this.outbox.add({ lane: "photos", key: photo.step, kind: "delete", method: "DELETE", path, isOfStored });
    }
    const undrawn = this.#all(photo.step).find((other) => other.id === photo.annotatedFrom);
    if (undrawn && !this.#isDrawnOn(undrawn)) return this.remove(undrawn);
    this.#emit("answer", photo.step);
    this.#emit("change", photo.step);
  }

  /** Sends a refused photo again, under a new id: the server may have other bytes under the old one. */
  retry(photo) {
    const { item } = photo;
    this.outbox.drop(item);
    if (!this.#isDrawnOn(photo)) photo.id = newId();
    this.#send(photo, { bytes: item.body, type: item.type, preview: item.preview }, item.query);
    this.#emit("answer", photo.step);
  }

  /** Replaces `photo` with `file`, just taken by the camera; `photo` stays until the new one is prepared. */
  async retake(photo, file) {
    const images = await prepareModule();
    const original = await bytesOf(file);
    const picture = original && (await images.oneAtATime(() => tryPrepare(images, file, original)));
    const word = picture ? picture.word : "photo_unread";
    if (word) this.#refuse(this.#append(photo.step, "camera", photo.slot), word);
    else this.replace(photo, picture, { source: "camera", ...takenNow(), ...slotOf(photo), ...lazyGeo.recent() });
    this.#emit("camera-closed");
  }

  /** Replaces `photo` with a drawing on it, {bytes, type, preview}; its original stays, hidden. */
  draw(photo, drawing) {
    const annotatedFrom = photo.annotatedFrom ?? photo.id;
    // If the photo was sent, the server knows its time and place.
    const query = { ...photo.item?.query, ...slotOf(photo), annotated_from: annotatedFrom };
    this.replace(photo, drawing, query, annotatedFrom);
  }

  /** Replaces `photo` with a picture, {bytes, type, preview}; deletes it unless it is `annotatedFrom`. */
  replace(photo, picture, query, annotatedFrom = null) {
    const list = this.#all(photo.step);
    const goes = photo.id !== annotatedFrom;
    const isFull = this.usable(photo.step).length >= photoRule(this.steps.get(photo.step)).max;
    const empty = { url: null, thumbnail: null, problem: null, item: null };
    const about = { id: newId(), state: "waiting", source: query.source, annotatedFrom };
    const fresh = { ...photo, ...empty, ...about, ...pictureUrls(picture) };
    list.splice(list.indexOf(photo), 0, fresh);
    if (goes && isFull) this.remove(photo); // the server accepts no more photos for a full step
    this.#send(fresh, picture, query);
    if (goes && !isFull) this.remove(photo);
    else this.#emit("answer", photo.step);
  }

  /** Queues a signature. `png`: an ArrayBuffer; `key`: the step's id, or "" for the run's closing signature. */
  sign(key, png, typedName) {
    const query = typedName ? `?typed_name=${encodeURIComponent(typedName)}` : "";
    const path = key ? `/steps/${key}/signature${query}` : `/signature${query}`;
    this.signatures.set(key, { url: urlOf(png, "image/png"), problem: null });
    const item = { lane: "answers", key, kind: "signature", method: "PUT", path, type: "image/png", body: png };
    this.outbox.add(item, { replaced: this.outbox.neverSent(key, "signature") });
  }

  /** Removes the photos that never arrived from a step's answer. */
  dropMissing(stepId) {
    this.#see(this.#all(stepId));
    for (const { id, state } of this.#all(stepId)) if (state === "elsewhere") this.#missing.add(id);
    this.#photos.set(stepId, this.#all(stepId).filter((photo) => photo.state !== "elsewhere"));
    this.#emit("answer", stepId);
    this.#emit("change", stepId);
  }

  /** Takes over an item of an earlier visit or another tab: a photo, a signature or a deletion. */
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
    const { preview, large } = known?.preview ? known : pictureUrls(picture);
    const photo = {
      id: item.photo, step: item.key, slot: item.query.slot ?? null, state: item.problem ? "refused" : "waiting",
      preview, large, url: null, thumbnail: null, progress: 0, problem: item.problem, item, source: item.query.source,
      annotatedFrom: item.query.annotated_from ?? null,
    };
    if (known) Object.assign(known, photo);
    else this.#photos.set(item.key, [...this.#all(item.key), photo]);
  }

  /** Notes that another tab has sent a photo or taken it back; the server's state says which. */
  detach(item) {
    const photo = this.#find(item);
    if (photo) Object.assign(photo, { state: "elsewhere", item: null });
  }

  /** → the photos with a receipt as in the server's state, {step id: [receipt]}. */
  receipts() {
    const isSafe = ({ state, item }) => state === "safe" || (state === "waiting" && !item);
    const receipt = ({ id, slot, url, thumbnail, annotatedFrom }) => (
      { photo_id: id, slot, url, thumbnail_url: thumbnail, annotated_from: annotatedFrom });
    const entries = [...this.#photos].map(([stepId, photos]) => [stepId, photos.filter(isSafe).map(receipt)]);
    return Object.fromEntries(entries);
  }

  // The server's receipts and state

  markSent(item, receipt) {
    const photo = this.#find(item);
    if (photo) Object.assign(photo, { item: null, ...safeState(receipt) });
  }

  /** Calls no photo safe any more, until the server's state says which are: they wait, without an item. */
  doubt() {
    for (const photo of [...this.#photos.values()].flat()) if (photo.state === "safe") photo.state = "waiting";
  }

  markRefused(item, problem) {
    if (item.kind === "signature" && this.signatures.has(item.key)) this.signatures.get(item.key).problem = problem;
    const photo = this.#find(item);
    if (item.kind === "delete") this.outbox.drop(item); // not ours to delete
    if (photo) Object.assign(photo, { state: "refused", problem });
    if (photo) this.#emit("answer", photo.step);
  }

  /** Takes over the server's photos, {step id: [receipt]}; photos that this phone still prepares or sends stay. */
  update(stored, answers) {
    for (const stepId of this.steps.keys()) {
      const receipts = new Map((stored[stepId] ?? []).map((receipt) => [receipt.photo_id, receipt]));
      const named = answers[stepId]?.photos ?? [];
      const isOurs = (photo) => photo.item || LOCAL_STATES.has(photo.state);
      const list = this.#all(stepId).filter((photo) => isOurs(photo) || receipts.has(photo.id));
      for (const photo of list) {
        if (!isOurs(photo)) Object.assign(photo, safeState(receipts.get(photo.id)));
      }
      for (const id of receipts.keys()) this.#missing.delete(id);
      const known = new Set(list.map((photo) => photo.id));
      for (const id of new Set([...named, ...receipts.keys()])) {
        if (known.has(id) || this.#deletedIds.has(id)) continue;
        const receipt = receipts.get(id);
        const state = receipt ? safeState(receipt) : { slot: null, state: "elsewhere", progress: 0 };
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

  /** Queues a chosen file as it is. Resolves once the phone has it: decoding can crash a small phone's tab. */
  async #keep(photo, file) {
    const query = { source: photo.source, ...(photo.source === "camera" ? takenNow() : null), ...slotOf(photo) };
    const original = await bytesOf(file);
    const isStillThere = this.#isShown(photo); // reading takes long for a file in a cloud
    if (isStillThere && original) photo.item = this.#queue(photo, original, typeOf(file), query, true);
    await photo.item?.saved;
    this.#emit("camera-closed");
    if (isStillThere && !original) this.#refuse(photo, "photo_unread");
  }

  /** Replaces the bytes of a kept photo by the small picture. */
  async #prepare(images, step, photo, file) {
    const { item } = photo;
    if (!item || !this.#isShown(photo)) return; // not read, or deleted
    const { word, time, place, ...picture } = await tryPrepare(images, file, item.body);
    if (!this.#isShown(photo)) return;
    if (word) return this.#refuse(photo, word);
    const { bytes: body, type, preview } = picture;
    Object.assign(photo, { ...pictureUrls(picture), state: "waiting", problem: null, progress: 0 });
    // Of a file from the gallery time and place are its own, if it has them.
    const isFresh = photo.source === "camera";
    const query = { ...item.query, ...(isFresh ? null : time), ...(step.geo && (isFresh ? lazyGeo.recent() : place)) };
    this.outbox.update(item, { body, preview, type, query, path: pathOf(photo, query), hold: false });
    if (body.byteLength > this.maxBytes || body.byteLength === 0) {
      // The server would refuse it after a minute of uploading.
      return this.#refuse(photo, body.byteLength ? "photo_too_large" : "photo_empty");
    }
    this.#emit("change", photo.step);
  }

  #isShown(photo) {
    return this.ofStep(photo.step).includes(photo);
  }

  /** Marks a photo that cannot be sent; `word`: the message key of the reason. */
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

  /** Queues a photo's upload. → its item. */
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
    // Without this the picture stays in memory until the page closes.
    for (const url of [photo.preview, photo.large]) URL.revokeObjectURL(url);
    this.#photos.set(photo.step, this.#all(photo.step).filter((other) => other !== photo));
  }

  #emit(name, step = null) {
    this.dispatchEvent(new CustomEvent(name, { detail: { step } }));
  }
}

/** → the path of a photo's upload. */
function pathOf({ step: key, id }, query) {
  const stepId = stepIdOf(key);
  const parameters = new URLSearchParams(stepId === key ? query : { ...query, remark: 1 });
  return `/steps/${stepId}/photos/${id}?${parameters}`;
}

const newId = () => `ph-${uuid()}`;

/** → the fields of a safe photo, from its receipt. */
function safeState({ slot = null, url = null, thumbnail_url: thumbnail, annotated_from: annotatedFrom = null }) {
  return { state: "safe", progress: 1, slot, url, thumbnail: thumbnail ?? url, annotatedFrom };
}

/** → the slot of a photo as a parameter of its upload, {slot} or {}. */
const slotOf = ({ slot }) => (slot ? { slot } : {});

const takenNow = () => ({ taken_at: nowUtc(), taken_at_from: "camera" });
