// The message to an executor may be changed before it is shared: links that share it take what stands there now.

const message = document.getElementById("message");
const links = document.querySelectorAll("a[data-share]");

function takeOver() {
  for (const link of links) link.href = link.dataset.share + encodeURIComponent(message.value);
}

message.addEventListener("input", takeOver);
takeOver(); // a browser that goes back keeps what was typed
