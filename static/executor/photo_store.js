// The pictures of a run, photos and signatures: those on the server, and those this phone still shrinks, holds or sends.
//
// A photo: {id, step, state, preview, url, thumbnail, progress, problem, item}. Its state is
//   preparing → waiting → safe (the server's receipt is here) | refused (the person must choose)
//   elsewhere: an answer names it, but neither the server nor this phone has it

import { photoRule, nowUtc, uuid } from "./rules.js";
import { want } from "./http.js";

const MOST_BYTES = 15 * 1024 * 1024;
const COUNTED = new Set(["preparing", "waiting", "safe"]);
const HERE = new Set(["preparing", "refused"]);   // whatever the server says

let place = null;   // geo.js, once something asked for a position

/** Where evidence is gathered: geo.js is loaded when the first step asks for it. */
export const whereabouts = {
  /** → geo.js, or null where it could not be loaded. */
  async geo() {
    place ??= await want("geo").catch(() => null);
    return place;
  },
  settle() {
    place?.settle();
  },
  /** Whether positions can be had: "yes", "insecure" (browsers give none over plain http), "refused" or "none". */
  position() {
    if (place) return place.availability();
    if (!("geolocation" in navigator)) return "none";
    return isSecureContext ? "yes" : "insecure";
  },
};

export class PhotoShelf {
  #photos = new Map();   // step id → [photo], in the order the person sees
  drawn = new Map();     // step id or "" → {url, problem}: a signature this phone has made
  #gone = new Set();     // ids deleted here: a poll under way must not bring them back

  constructor(session) {
    this.session = session;
  }

  of(stepId) {
    return this.#photos.get(stepId) ?? [];
  }

  /** Photos that count for the answer. */
  usable(stepId) {
    return this.of(stepId).filter((photo) => COUNTED.has(photo.state));
  }

  refused(stepId) {
    return this.of(stepId).filter((photo) => photo.state === "refused");
  }

  /** Ids an answer of this step stands on, those that never arrived included. */
  listed(stepId) {
    return this.of(stepId).filter((photo) => photo.state !== "refused").map((photo) => photo.id);
  }

  /** {total, safe, preparing} over the whole run. */
  counts() {
    const all = [...this.#photos.values()].flat().filter((photo) => photo.state !== "elsewhere");
    const inState = (state) => all.filter((photo) => photo.state === state).length;
    return { total: all.length, safe: inState("safe"), preparing: inState("preparing") };
  }

  /** `source`: "camera" or "gallery". Takes as many as the step still has room for. → how many were left out. */
  async add(stepId, files, source) {
    const step = this.session.stepById.get(stepId);
    const room = photoRule(step).max - this.usable(stepId).length;
    const taken = files.slice(0, Math.max(0, room));
    const added = taken.map((file) => this.#place(stepId, file, source));
    this.session.changed(stepId);
    const [images, place] = await Promise.all([photosModule(), step.geo ? whereabouts.geo() : null]);
    place?.sample(); // asks now, while the tap is fresh; the photo itself waits for nothing
    for (const [photo, file] of added) await images.inTurn(() => this.#prepare(images, place, step, photo, file));
    this.session.answerPhotos(stepId);
    return files.length - taken.length;
  }

  remove(photo) {
    this.#take(photo);
    const mayHaveArrived = photo.state === "safe" || (photo.item && !this.session.outbox.drop(photo.item));
    if (mayHaveArrived) {
      const path = `/steps/${photo.step}/photos/${photo.id}`;
      this.session.outbox.add({ lane: "photos", key: photo.step, kind: "delete", method: "DELETE", path });
    }
    this.session.answerPhotos(photo.step);
    this.session.changed(photo.step);
  }

  /** Sends a refused photo again, under a new id: the server may hold other bytes under the old one. */
  retry(photo) {
    const { item } = photo;
    this.session.outbox.drop(item);
    photo.id = newId();
    this.#send(photo, item.body, item.type, item.query);
    this.session.answerPhotos(photo.step);
  }

  /** Takes `file`, fresh from the camera, in the place of `photo`, which stays until the new one is kept. */
  async retake(photo, file) {
    const images = await photosModule();
    const original = await bytesOf(file);
    if (original) this.replace(photo, await images.inTurn(() => smallOf(images, file, original)), "camera");
    else this.#refuseUnread(this.#place(photo.step, file, "camera")[0]);
    this.session.cameraFor(null);
  }

  /** Puts a picture, {bytes, type, preview}, in the place of `photo`. */
  replace(photo, { bytes, type, preview }, source = photo.source ?? "camera") {
    const list = this.of(photo.step);
    const isFull = this.usable(photo.step).length >= photoRule(this.session.stepById.get(photo.step)).max;
    const fresh = { ...photo, id: newId(), state: "waiting", preview, source, url: null, thumbnail: null, problem: null, item: null };
    list.splice(list.indexOf(photo), 0, fresh);
    const query = { source, taken_at: nowUtc(), ...place?.recent() };
    if (isFull) this.remove(photo); // a full step takes nothing more, so the old one has to go first
    this.#send(fresh, bytes, type, query);
    if (!isFull) this.remove(photo);
    else this.session.answerPhotos(photo.step);
  }

  /** Owes a signature: `png` an ArrayBuffer, `key` a step's id, or "" for the one that closes the run. */
  sign(key, png, typedName) {
    const query = typedName ? `?typed_name=${encodeURIComponent(typedName)}` : "";
    const path = key ? `/steps/${key}/signature${query}` : `/signature${query}`;
    this.drawn.set(key, { url: URL.createObjectURL(new Blob([png], { type: "image/png" })), problem: null });
    this.session.outbox.add({ lane: "answers", key, kind: "signature", method: "PUT", path, type: "image/png", body: png });
  }

  /** Gives up photos that an answer names but nobody has. */
  forgetMissing(stepId) {
    this.#photos.set(stepId, this.of(stepId).filter((photo) => photo.state !== "elsewhere"));
    this.session.answerPhotos(stepId);
    this.session.changed(stepId);
  }

  /** An item of an earlier visit or of another tab. */
  adopt(item) {
    if (item.kind === "signature") {
      this.drawn.set(item.key, { url: URL.createObjectURL(new Blob([item.body], { type: item.type })), problem: item.problem });
      return;
    }
    if (item.kind === "delete") {
      const id = item.path.split("/").at(-1);
      this.#gone.add(id);
      this.#photos.set(item.key, this.of(item.key).filter((photo) => photo.id !== id));
      return;
    }
    if (item.kind !== "photo") return;
    const known = this.of(item.key).find((photo) => photo.id === item.photo);
    const preview = known?.preview ?? URL.createObjectURL(new Blob([item.body], { type: item.type }));
    const photo = {
      id: item.photo, step: item.key, state: item.problem ? "refused" : "waiting", preview, url: null, thumbnail: null,
      progress: 0, problem: item.problem, item, source: item.query.source,
    };
    if (known) Object.assign(known, photo);
    else this.#photos.set(item.key, [...this.of(item.key), photo]);
  }

  /** Another tab has sent it or taken it back: the server tells which. */
  release(item) {
    const photo = this.#find(item);
    if (photo) Object.assign(photo, { state: "elsewhere", item: null });
  }

  /** Receipts, as the server's state has them. */
  stored() {
    const safe = (photo) => photo.state === "safe";
    const receipt = ({ id, url, thumbnail }) => ({ photo_id: id, url, thumbnail_url: thumbnail });
    return Object.fromEntries([...this.#photos].map(([stepId, photos]) => [stepId, photos.filter(safe).map(receipt)]));
  }

  // The server's side

  sent(item, receipt) {
    const photo = this.#find(item);
    if (!photo) return;
    Object.assign(photo, { state: "safe", progress: 1, item: null, ...links(receipt) });
  }

  refuse(item, problem) {
    if (item.kind === "signature" && this.drawn.has(item.key)) this.drawn.get(item.key).problem = problem;
    const photo = this.#find(item);
    if (item.kind === "delete") this.session.outbox.drop(item); // not ours to delete
    if (photo) Object.assign(photo, { state: "refused", problem });
    if (photo) this.session.answerPhotos(photo.step);
  }

  /** Takes over what the server has, keeping what this phone still holds and shows. */
  take(stored, answers) {
    for (const stepId of this.session.stepById.keys()) {
      const receipts = new Map((stored[stepId] ?? []).map((receipt) => [receipt.photo_id, receipt]));
      const named = answers[stepId]?.photos ?? [];
      const list = this.of(stepId).filter((photo) => photo.item || HERE.has(photo.state) || receipts.has(photo.id));
      for (const photo of list) {
        if (photo.state === "elsewhere") Object.assign(photo, { state: "safe", progress: 1, ...links(receipts.get(photo.id)) });
      }
      const known = new Set(list.map((photo) => photo.id));
      for (const id of new Set([...named, ...receipts.keys()])) {
        if (known.has(id) || this.#gone.has(id)) continue;
        const receipt = receipts.get(id);
        list.push(receipt ? { id, step: stepId, state: "safe", preview: null, progress: 1, ...links(receipt) }
          : { id, step: stepId, state: "elsewhere", preview: null, progress: 0 });
      }
      this.#photos.set(stepId, list);
    }
  }

  // Inside

  #place(stepId, file, source) {
    const photo = { id: newId(), step: stepId, state: "preparing", preview: null, url: null, progress: 0, problem: null, source };
    this.#photos.set(stepId, [...this.of(stepId), photo]);
    return [photo, file];
  }

  /** Keeps the picture as it came before it is decoded, which costs a small phone its tab; then the small one. */
  async #prepare(images, place, step, photo, file) {
    if (!this.of(step.id).includes(photo)) return; // deleted before its turn came
    const query = { source: photo.source, taken_at: takenAt(file, photo.source), ...place?.recent() };
    const original = await bytesOf(file);
    const isStillThere = this.of(step.id).includes(photo); // reading takes a while where the file comes from afar
    if (isStillThere && original) photo.item = this.#owe(photo, original, file.type || "application/octet-stream", query, true);
    this.session.cameraFor(null);
    if (!isStillThere) return;
    if (!original) return this.#refuseUnread(photo);
    const { bytes, type, preview } = await smallOf(images, file, original);
    if (!this.of(step.id).includes(photo)) return URL.revokeObjectURL(preview);
    Object.assign(photo, { preview, state: "waiting", problem: null, progress: 0 });
    const fresh = { ...query, ...place?.recent() };
    this.session.outbox.update(photo.item, { body: bytes, type, query: fresh, path: pathOf(photo, fresh), hold: false });
    if (bytes.byteLength > MOST_BYTES || bytes.byteLength === 0) {
      // Known to fail: said here rather than after a minute of uploading.
      this.session.outbox.drop(photo.item);
      const word = bytes.byteLength ? "photo_too_large" : "photo_empty";
      Object.assign(photo, { state: "refused", problem: { word } });
    }
    this.session.changed(photo.step);
  }

  #refuseUnread(photo) {
    Object.assign(photo, { state: "refused", problem: { word: "photo_unread" } });
    this.session.changed(photo.step);
  }

  #send(photo, bytes, type, query) {
    photo.item = this.#owe(photo, bytes, type, query, false);
    Object.assign(photo, { state: "waiting", problem: null, progress: 0 });
    this.session.changed(photo.step);
  }

  #owe(photo, body, type, query, hold) {
    const path = pathOf(photo, query);
    return this.session.outbox.add({ lane: "photos", key: photo.step, kind: "photo", photo: photo.id, method: "PUT", path, query, type, body, hold });
  }

  #find(item) {
    return this.of(item.key).find((photo) => photo.id === item.photo) ?? null;
  }

  #take(photo) {
    this.#gone.add(photo.id);
    URL.revokeObjectURL(photo.preview); // else the page holds the picture for as long as it is open
    this.#photos.set(photo.step, this.of(photo.step).filter((other) => other !== photo));
  }
}

/** What makes pictures small; where the network went before it came, they stay as large as they are. */
function photosModule() {
  return want("shrink_photo").catch(() => ({ inTurn: (work) => work(), shrink: asItIs }));
}

async function asItIs(file, bytes) {
  return { bytes, type: file.type || "application/octet-stream", preview: URL.createObjectURL(file) };
}

/** The picture made small, or as it is where the phone cannot do that: once it is kept it must go out. */
function smallOf(images, file, original) {
  return images.shrink(file, original).catch(() => asItIs(file, original));
}

/** The bytes of a file, or null: one that is still in somebody's cloud, or gone since it was chosen, cannot be read. */
function bytesOf(file) {
  return file.arrayBuffer().catch(() => null);
}

function pathOf(photo, query) {
  return `/steps/${photo.step}/photos/${photo.id}?${new URLSearchParams(query)}`;
}

function newId() {
  return `ph-${uuid()}`;
}

function links(receipt) {
  return { url: receipt.url ?? null, thumbnail: receipt.thumbnail_url ?? receipt.url ?? null };
}

/** A camera's picture was taken now; one from the gallery carries its file's date. */
function takenAt(file, source) {
  if (source === "camera" || !file.lastModified) return nowUtc();
  return `${new Date(file.lastModified).toISOString().slice(0, 19)}Z`;
}
