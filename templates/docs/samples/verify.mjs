const SECRET = "at least 12 characters"; // what you sent as webhook.secret
const URL = "https://hooks.example.com/rundun"; // webhook.url, as GET /v1/runs/{run_id} shows it

const COVERED = /^\("content-digest" "@method" "@target-uri"\);created=(\d+);keyid="rundun-key"$/;
const utf8 = (text) => new TextEncoder().encode(text);
const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** The event in this request, if it was signed with your secret within the last five minutes; throws otherwise.
    `headers` has names in lower case, as Node's `request.headers`; `body` is a Uint8Array, as a Buffer is one. */
export async function receive(headers, body) {
  const digest = `sha-256=:${base64(await crypto.subtle.digest("SHA-256", body))}:`;
  const parameters = (headers["signature-input"] ?? "").replace(/^sig1=/, "");
  const created = COVERED.exec(parameters)?.[1];
  if (!created || Math.abs(Date.now() / 1000 - Number(created)) > 300) {
    throw new Error("not signed as it should be, or not just now");
  }
  const base = [
    `"content-digest": ${digest}`, `"@method": POST`, `"@target-uri": ${URL}`, `"@signature-params": ${parameters}`,
  ].join("\n");
  const signature = /^sig1=:([A-Za-z0-9+/]{43}=):$/.exec(headers.signature ?? "")?.[1] ?? "";
  const bytes = Uint8Array.from(atob(signature), (letter) => letter.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", utf8(SECRET), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  if (!(await crypto.subtle.verify("HMAC", key, bytes, utf8(base)))) {
    throw new Error("not signed with this secret, or not this body");
  }
  return JSON.parse(new TextDecoder().decode(body));
}
